// The item as a candidate sees it: the exam's own components, fed with the draft in place of a sitting.

import { html, useEffect, useMemo, useState } from "../core/vendor/preact-htm.js";
import { Sheet } from "../exam_server/item.js";
import { Exam } from "../exam_server/pieces.js";
import { Media } from "../exam_server/rich.js";
import { candidateCopy, picturesIn } from "./editor_draft.js";

const LEAST = 5_000;
/** As in an exam: there is an item after this one. */
const MARKS = Array.from({ length: 80 }, () => ({ answered: false, flagged: false, locked: false }));

export function Preview({ draft, data, examSay, say }) {
  const [stage, setStage] = useState(0);
  const [answers, setAnswers] = useState({});
  const [told, setTold] = useState("");
  const content = candidateCopy(draft);
  const at = Math.min(stage, Math.max(0, content.stages.length - 1));
  const known = (number) => (answers[number] ?? []).filter((id) => content.stages[number].choices.some((one) => one.id === id));
  useEffect(() => setTold(""), [draft]);
  const media = useMemo(() => new Map(picturesIn(draft).map((asset) => [asset, `/staff/bank/assets/${asset}`])), [draft]);
  const limit = Math.max(LEAST, draft.limit ?? 60_000);
  const item = {
    position: 0,
    content: { ...content, stages: content.stages.slice(0, at + 1) },
    stage: at,
    answers: content.stages.slice(0, at + 1).map((_, number) => known(number)),
    closed: false,
    deadline: limit,
    limit,
    media: [],
  };
  const nothing = () => setTold(say("previewOnly"));
  const act = new Proxy(
    {
      respond: (number, value) => setAnswers((before) => ({ ...before, [number]: value })),
      askLock: () => (at + 1 < content.stages.length ? setStage(at + 1) : nothing()),
      announce: () => {},
    },
    { get: (acts, name) => acts[name] ?? nothing },
  );
  const model = {
    data: { icons: data.icons },
    clock: { now: () => 0 },
    view: {
      status: "running", navigation: "linear", flags: false, explanations: "none", section: null, halt: null,
      marks: MARKS, expired: [], item, waiting: new Set(), unstored: new Set(),
      moving: null, unread: [],
    },
    offline: false, stalled: false, lasting: true, keys: true, stepEmpty: false, timeUp: false, examOver: false,
  };
  return html`
    <${Exam.Provider} value=${{ model, act, say: examSay }}>
      <div class="preview-item" data-preview>
        ${content.kind === "case" && at > 0 && html`
          <p><button class="btn btn--quiet btn--small" type="button" onClick=${() => { setStage(0); setAnswers({}); }}>${say("previewAgain")}</button></p>
        `}
        <${Media.Provider} value=${media}><${Sheet} item=${item} frozen=${false} /><//>
        <p class="note" role="status">${told}</p>
      </div>
    <//>
  `;
}

