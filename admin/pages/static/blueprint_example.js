// Three forms drawn for a look, side by side.

import { html, useState } from "../core/vendor/preact-htm.js";
import { numberText } from "../exam_server/words.js";
import { Banner, post, useDesk } from "./blueprint_pieces.js";

const WIDTH = 320;
const HEIGHT = 120;

export function Example({ draft }) {
  const { say } = useDesk();
  const [drawn, setDrawn] = useState(null);
  const [refusal, setRefusal] = useState(null);
  const [busy, setBusy] = useState(false);
  const draw = async () => {
    setBusy(true);
    try {
      setDrawn(await post("/staff/blueprints/example", draft()));
      setRefusal(null);
    } catch (error) {
      setDrawn(null);
      setRefusal(error ?? { detail: say("noLine"), fields: {} });
    }
    setBusy(false);
  };
  return html`
    <section class="card">
      <h2>${say("example")}</h2>
      <p class="note">${say("exampleNote")}</p>
      <div><button class="btn btn--secondary" type="button" aria-busy=${busy ? "true" : null} disabled=${busy} onClick=${draw}>
        ${say(drawn ? "drawAgain" : "drawExample")}</button></div>
      <div class="stack" role="status">
        ${refusal && html`<${Banner} kind="danger" title=${say("exampleFailed")}><p>${refusal.code === "blueprint_unfillable" ? say("exampleUnfillable") : refusal.detail}</p><//>`}
        ${drawn && html`<${Drawn} drawn=${drawn} />`}
      </div>
    </section>
  `;
}

function Drawn({ drawn }) {
  const { say } = useDesk();
  const columns = ["", say("exampleScore"), say("exampleInformation"), say("exampleError")];
  const name = (number) => say("exampleForm", { number: number + 1 });
  const shared = drawn.forms.map((_, number) => say("exampleShared", { number: number + 1 }));
  return html`
    <div class="example">
      <figure class="example__plot">
        <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${say("examplePlot")}>
          <line class="example__axis" x1="0" x2=${WIDTH} y1=${HEIGHT - 8} y2=${HEIGHT - 8} />
          <line class="example__axis" x1="0" x2=${WIDTH} y1="8" y2="8" />
          <text class="example__mark" x="2" y="20">100 %</text>
          <text class="example__mark" x="2" y=${HEIGHT - 12}>0 %</text>
          ${drawn.forms.map((one, number) => html`<polyline key=${one.seed}
            class=${`example__line example__line--${number + 1}`} points=${one.line.map((point) => point.join(",")).join(" ")} />`)}
        </svg>
        <figcaption class="note">${say("examplePlot")}</figcaption>
      </figure>
      <div class="table-frame"><table class="table" role="table">
        <caption class="visually-hidden">${say("example")}</caption>
        <thead role="rowgroup"><tr role="row">${[...columns, ...shared].map((one) => html`<th role="columnheader" scope="col">${one}</th>`)}</tr></thead>
        <tbody role="rowgroup">${drawn.forms.map((one, number) => html`
          <tr role="row" key=${one.seed}>
            <th role="rowheader" scope="row" data-label=""><span class=${`example__name example__name--${number + 1}`}>${name(number)}</span></th>
            <td role="cell" data-label=${columns[1]}><span>${say("exampleOf", { expected: numberText(one.expected, 2), maximum: numberText(drawn.maximum) })}</span></td>
            <td role="cell" data-label=${columns[2]}><span>${numberText(one.information, 2)}</span></td>
            <td role="cell" data-label=${columns[3]}><span>${one.error ? numberText(one.error, 2) : "–"}</span></td>
            ${drawn.shared[number].map((count, other) => html`
              <td role="cell" data-label=${shared[other]}><span>${other === number ? "–" : count}</span></td>`)}
          </tr>`)}
        </tbody>
      </table></div>
    </div>
  `;
}
