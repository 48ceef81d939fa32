// The editor of an item: the draft in memory, what the server says of it, and what is drawn of both.

import { html, render } from "../core/vendor/preact-htm.js";
import { words as examWords } from "../exam_server/exam_words.js";
import { words as practiceWords } from "../exam_server/practice_words.js";
import { speaker } from "../exam_server/words.js";
import { addStage, blankStage, change, changeTexts, dropStage, instantFaults, setKey, whole } from "./editor_draft.js";
import { listen } from "./editor_keys.js";
import { Keeper } from "./editor_keeper.js";
import { enrich, flatten, plainOf } from "./editor_markup.js";
import { Page } from "./editor_view.js";
import { words } from "./editor_words.js";

const data = JSON.parse(document.getElementById("editor-data").textContent);
const token = document.querySelector('meta[name="csrf-token"]').content;
const place = document.getElementById("editor");
const say = speaker(words);
const examSay = speaker({ ...examWords, ...practiceWords });
const CHECK_PAUSE = 500;

const address = (name) => `/staff/bank/${encodeURIComponent(data.item)}/${name}`;
const keeper = new Keeper({ address: address("working-copy"), token, key: `bank-editor:${data.person}:${data.item}`, told: draw });

let draft = whole(data.draft);
let basedOn = data.latest;
let timer = null;
let checks = 0;
let drawing = false;

/** What the page shows of itself, beside the draft. */
const ui = {
  tags: "", difficulty: "", limit: { value: "", unit: "s" },
  enemies: data.enemies,
  enemiesChanged: false,
  requirement: data.requirement,
  checked: { unfit: {}, unready: {} },
  advice: [],
  alike: [],
  touched: new Set(),
  all: data.latest > 0,
  resumed: null,
  overtaken: null,
  problem: null,
  saved: null,
  saving: false,
  dialog: null,
  pane: "form",
  focus: null,
  elsewhere: false,
};

// --- drawing --------------------------------------------------------------------------------------------

function draw() {
  if (!drawing) {
    drawing = true;
    queueMicrotask(() => {
      drawing = false;
      render(html`<${Page} model=${takeModel()} act=${act} say=${say} examSay=${examSay} />`, place);
      focusWanted();
    });
  }
}

const takeModel = () => ({ ...ui, data, draft, basedOn, faults: faultsOf(), advice: ui.advice.filter(({ field }) => ui.all || ui.touched.has(field)), keeper, unready: countOf() });

/** The server's findings, and over them what can be told at once. Of what nobody has touched yet nothing is said. */
function faultsOf() {
  const instant = instantFaults(draft, (text) => plainOf(text, draft.markup));
  const found = {};
  for (const [unfit, sentences] of [[false, ui.checked.unready], [true, ui.checked.unfit]]) {
    for (const [field, sentence] of Object.entries(sentences)) {
      if (!unfit && /^stages\.\d+\.(choices|key)$/.test(field) && !(field in instant)) {
        continue; // mended a moment ago
      }
      found[field] = { sentence, unfit };
    }
  }
  for (const [field, key] of Object.entries(instant)) {
    found[field] ??= { sentence: say(key), unfit: false };
  }
  return ui.all ? found : Object.fromEntries(Object.entries(found).filter(([field, { unfit }]) => (unfit && field !== "requirement" && field !== "speciality") || ui.touched.has(field) || ui.touched.has(field.replace(/key$|roles$/, "choices"))));
}

const countOf = () => Object.keys({ ...ui.checked.unready, ...ui.checked.unfit }).length;

function focusWanted() {
  const wanted = ui.focus && document.getElementById(ui.focus);
  ui.focus = null;
  wanted?.focus();
}

// --- the draft ------------------------------------------------------------------------------------------

function edit(next, focus = null) {
  if (next === draft || ui.elsewhere) {
    return;
  }
  draft = next;
  ui.focus = focus;
  ui.saved = null;
  keeper.keep({ based_on: basedOn, draft });
  check();
  draw();
}

/** What fields show that are typed as text and kept as something else. */
function readFields() {
  ui.tags = draft.tags.join(", ");
  ui.difficulty = draft.difficulty === null ? "" : String(Math.round(draft.difficulty * 1000) / 10).replace(".", ",");
  const seconds = (draft.limit ?? 0) / 1000;
  ui.limit = seconds >= 60 && seconds % 60 === 0 ? { value: String(seconds / 60), unit: "m" } : { value: draft.limit === null ? "" : String(seconds), unit: "s" };
}

const number = (text) => (/^\s*\d{1,6}([.,]\d{1,3})?\s*$/.test(text) ? Number(text.trim().replace(",", ".")) : null);

function check() {
  clearTimeout(timer);
  timer = setTimeout(ask, CHECK_PAUSE);
}

async function ask() {
  const asked = ++checks;
  const answer = await send("check", { based_on: basedOn, draft }).catch(() => null);
  if (answer?.ok && asked === checks) {
    const found = await answer.json();
    ui.checked = found.faults;
    ui.advice = found.advice;
    ui.alike = found.alike;
    draw();
  }
}

const send = (name, body) =>
  fetch(address(name), {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", "X-CSRF-Token": token },
    body: JSON.stringify(body),
  });

// --- saving ---------------------------------------------------------------------------------------------

async function save(toReview) {
  if (ui.saving) {
    return;
  }
  ui.saving = true;
  ui.problem = null;
  ui.saved = null;
  draw();
  const sent = draft;
  try {
    const letter = { based_on: basedOn, draft: sent, send: toReview };
    const answer = await send("versions", ui.enemiesChanged ? { ...letter, enemies: ui.enemies.map((one) => one.item) } : letter);
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) {
      await settle(told, sent);
    } else if (told.code === "version_overtaken") {
      await showOvertaken();
    } else {
      refuse(answer.status, told);
    }
  } catch {
    ui.problem = { title: say("noLine"), text: say("noLineText") };
  }
  ui.saving = false;
  draw();
}

async function settle(told, sent) {
  basedOn = told.version;
  data.latest = told.version;
  data.state = told.state;
  ui.overtaken = null;
  ui.resumed = null;
  ui.enemiesChanged = false;
  ui.saved = told;
  if (draft === sent) {
    keeper.forget();
  } else {
    keeper.keep({ based_on: basedOn, draft }); // typed on while it was being saved
  }
  if (told.refusal) {
    ui.all = true;
    await ask();
  }
}

function refuse(status, told) {
  ui.all = true;
  const fields = told.fields ?? {};
  ui.problem = status === 401 || told.code === "csrf_failed"
    ? { title: say("signedOut"), text: say("signedOutText"), reload: true }
    : { title: told.detail ?? say("notSaved"), text: told.code === "item_invalid" || told.code === "draft_unfilled" ? say("seeFields") : (fields.body ?? "") };
  if (told.code === "item_invalid" || told.code === "draft_unfilled") {
    ui.checked = { unready: ui.checked.unready, unfit: { ...ui.checked.unfit, ...fields } };
  }
}

async function showOvertaken() {
  const answer = await send("newest", { based_on: basedOn, draft });
  if (answer.ok) {
    ui.overtaken = await answer.json();
    ui.focus = "overtaken";
  }
}

// --- what the page can do -------------------------------------------------------------------------------

const act = {
  edit,
  save,
  touch: (field) => {
    if (!ui.touched.has(field)) {
      ui.touched.add(field);
      draw();
    }
  },
  setTags: (text) => {
    ui.tags = text;
    edit(change(draft, { tags: text.split(/[,;\n]/).map((one) => one.trim()).filter(Boolean) }));
  },
  setDifficulty: (text) => {
    ui.difficulty = text;
    const value = number(text);
    edit(change(draft, { difficulty: value === null ? null : Math.round(value * 10) / 1000 }));
  },
  setLimit: (value, unit) => {
    ui.limit = { value, unit };
    const count = number(value);
    edit(change(draft, { limit: count === null ? null : Math.round(count * (unit === "m" ? 60_000 : 1_000)) }));
  },
  setSpeciality: (speciality) => {
    ui.requirement = "";
    edit(change(draft, { speciality, requirement: "" }));
  },
  setRequirement: ({ speciality, code, title }) => {
    ui.requirement = title;
    edit(change(draft, { speciality, requirement: code }));
  },
  setEnemies: (enemies) => {
    ui.enemies = enemies;
    ui.enemiesChanged = true;
    ui.saved = null;
    draw();
  },
  setMarkup: (markup) => {
    if (markup === draft.markup) {
      return;
    }
    const looks = markup === "text" && JSON.stringify(changeTexts(draft, (text, inline) => enrich(flatten(text, inline), inline))) !== JSON.stringify(draft);
    if (looks) {
      act.open({ what: "flatten" });
    } else {
      act.convert(markup);
    }
  },
  convert: (markup) => {
    ui.dialog = null;
    edit({ ...changeTexts(draft, markup === "html" ? enrich : flatten), markup });
  },
  setKind: (kind) => {
    if (kind === "case") {
      // A prompt makes the difference: an empty one would make it a four-option item again.
      const [first] = draft.stages;
      edit(draft.stages.length ? { ...draft, stages: [{ ...first, prompt: first.prompt || say("firstPrompt") }, ...draft.stages.slice(1)] } : addStage(draft), "f-0-prompt");
    } else if (draft.stages.length > 1) {
      act.open({ what: "unstage" });
    } else {
      act.unstage();
    }
  },
  unstage: () => {
    ui.dialog = null;
    const first = draft.stages.find((stage) => stage.kind === "choice") ?? blankStage("choice");
    edit({ ...draft, stages: [{ ...first, prompt: "", reveal: "", ordered: false, weight: 1 }] }, "f-stem");
  },
  dropStage: (at) => {
    const stage = draft.stages[at];
    const filled = stage.prompt || stage.reveal || stage.choices.some(({ text }) => text);
    if (filled) {
      act.open({ what: "dropStage", at });
    } else {
      act.dropStageNow(at);
    }
  },
  dropStageNow: (at) => {
    ui.dialog = null;
    edit(dropStage(draft, at), `f-${Math.max(0, at - 1)}-prompt`);
  },
  open: (dialog) => {
    ui.dialog = dialog;
    draw();
  },
  close: () => {
    ui.dialog = null;
    draw();
  },
  show: (pane) => {
    ui.pane = pane;
    draw();
  },
  upload: async (file) => {
    const form = new FormData();
    form.append("picture", file);
    const answer = await fetch("/staff/bank/assets", { method: "POST", headers: { accept: "application/json", "X-CSRF-Token": token }, body: form });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) {
      throw new Error(told.detail ?? say("notUploaded"));
    }
    return told;
  },
  continueCopy: () => {
    ui.resumed = null;
    ui.focus = "f-stem";
    draw();
  },
  discard: async () => {
    ui.resumed = null;
    ui.overtaken = null;
    await keeper.drop().catch(() => {});
    draft = whole(data.draft);
    basedOn = data.latest;
    readFields();
    ui.focus = "f-stem";
    check();
    draw();
  },
  /** One's own text becomes the next version after the one that somebody else saved. */
  keepMine: () => {
    basedOn = ui.overtaken.version;
    ui.overtaken = null;
    save(false);
  },
  takeTheirs: () => {
    draft = whole(ui.overtaken.draft);
    basedOn = data.latest = ui.overtaken.version;
    data.draft = ui.overtaken.draft;
    ui.overtaken = null;
    keeper.drop().catch(() => {});
    readFields();
    check();
    draw();
  },
};

listen({
  save,
  help: () => act.open({ what: "keys" }),
  choose: (stage, place) => edit(setKey(draft, stage, place)),
});
/** One draft, one page: of two windows of a browser the newer one has it. */
const windows = "BroadcastChannel" in window ? new BroadcastChannel(`bank-editor:${data.person}:${data.item}`) : null;
windows?.postMessage("here");
windows?.addEventListener("message", () => {
  keeper.flush();
  ui.elsewhere = true;
  draw();
});
addEventListener("beforeunload", (event) => {
  if ((keeper.unkept && !keeper.lasting) || ui.enemiesChanged) {
    event.preventDefault();
  }
});
addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keeper.flush());
addEventListener("pagehide", () => keeper.flush());

/** What was being typed goes on: from this device where the server does not have it yet, else from the server. */
function resume() {
  const left = keeper.left();
  const kept = left ?? (data.copy && { based_on: data.copy.based_on, draft: data.copy.draft, at: data.copy.saved_at });
  if (kept?.draft?.stages) {
    draft = whole(kept.draft);
    basedOn = kept.based_on;
    ui.resumed = kept;
    ui.all = true;
    if (left) {
      keeper.keep({ based_on: basedOn, draft });
    } else {
      keeper.savedAt = kept.at;
    }
    if (basedOn !== data.latest && data.latest > 0) {
      showOvertaken().then(draw);
    }
  }
}

resume();
readFields();
ask();
draw();
