// The example on a blueprint's page.

import { html, render } from "../core/vendor/preact-htm.js";
import { speaker } from "../exam_server/words.js";
import { Example } from "./blueprint_example.js";
import { Desk } from "./blueprint_pieces.js";
import { words } from "./blueprint_words.js";

const data = JSON.parse(document.getElementById("blueprint-data").textContent);
const desk = { data, say: speaker(words) };
const place = document.getElementById("blueprint");
render(html`<${Desk.Provider} value=${desk}><${Example} draft=${() => data.draft} /><//>`, place);
