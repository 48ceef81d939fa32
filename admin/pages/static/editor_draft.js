// What is done to a draft: each change gives a new one. Pure.

export const OPTIONS = 4;
const ROLES = { choice: ["key", "distractor"], actions: ["required", "neutral", "harmful"] };
export const rolesOf = (kind) => ROLES[kind];

/** A four-option item asks in its stem; a stage with a prompt of its own makes a case. */
export const isCase = (draft) =>
  draft.stages.length !== 1 || draft.stages[0].kind !== "choice" || Boolean((draft.stages[0].prompt ?? "").trim());

/** Whatever the server leaves out is there. */
export function whole(draft) {
  return {
    explanation: "", sources: [], markup: "text", speciality: "", requirement: "", level: null, difficulty: null,
    limit: null, tags: [], language: "ru", pool: "exam", ...draft, stages: draft.stages.map(wholeStage),
  };
}

const wholeStage = (stage) => ({ kind: "choice", prompt: "", reveal: "", ordered: false, weight: 1, ...stage });

export const change = (draft, values) => ({ ...draft, ...values });

export const changeStage = (draft, number, values) => ({
  ...draft,
  stages: draft.stages.map((stage, at) => (at === number ? { ...stage, ...values } : stage)),
});

export const changeChoice = (draft, number, place, values) =>
  changeStage(draft, number, {
    choices: draft.stages[number].choices.map((choice, at) => (at === place ? { ...choice, ...values } : choice)),
  });

/** The only key of a stage of options; of actions nothing changes. */
export function setKey(draft, number, place) {
  const stage = draft.stages[number];
  if (stage.kind !== "choice" || place >= stage.choices.length) {
    return draft;
  }
  const choices = stage.choices.map((choice, at) => ({ ...choice, role: at === place ? "key" : "distractor" }));
  return changeStage(draft, number, { choices });
}

export function move(list, from, step) {
  const to = from + step;
  if (to < 0 || to >= list.length) {
    return list;
  }
  const moved = [...list];
  [moved[from], moved[to]] = [moved[to], moved[from]];
  return moved;
}

export const moveChoice = (draft, number, place, step) =>
  changeStage(draft, number, { choices: move(draft.stages[number].choices, place, step) });

export const moveStage = (draft, number, step) => ({ ...draft, stages: move(draft.stages, number, step) });

export const addChoice = (draft, number) => {
  const stage = draft.stages[number];
  const role = stage.kind === "choice" ? "distractor" : "neutral";
  return changeStage(draft, number, { choices: [...stage.choices, { text: "", role }] });
};

export const dropChoice = (draft, number, place) =>
  changeStage(draft, number, { choices: draft.stages[number].choices.filter((_, at) => at !== place) });

/** Nothing is right in it until its author says so. */
export const blankStage = (kind) =>
  wholeStage({ kind, choices: Array.from({ length: OPTIONS }, () => ({ text: "", role: ROLES[kind][1] })) });

export const addStage = (draft, kind = "actions") => ({ ...draft, stages: [...draft.stages, blankStage(kind)] });
export const dropStage = (draft, number) => ({ ...draft, stages: draft.stages.filter((_, at) => at !== number) });

/** Options become actions and back: the key is what was required, and only one can be the key. */
export function changeKind(draft, number, kind) {
  const stage = draft.stages[number];
  if (stage.kind === kind) {
    return draft;
  }
  const first = stage.choices.findIndex(({ role }) => role === "key" || role === "required");
  const role = (at) => ROLES[kind][at === first ? 0 : 1];
  const choices = stage.choices.map((choice, at) => ({ ...choice, role: role(at) }));
  return changeStage(draft, number, { kind, choices, ordered: false });
}

/** Every text of the draft's markup, changed. `inline`: an option or an action. */
export function changeTexts(draft, work) {
  return {
    ...draft,
    stem: work(draft.stem, false),
    explanation: work(draft.explanation, false),
    stages: draft.stages.map((stage) => ({
      ...stage,
      prompt: work(stage.prompt, false),
      reveal: work(stage.reveal, false),
      choices: stage.choices.map((choice) => ({ ...choice, text: work(choice.text, true) })),
    })),
  };
}

/** What the page can tell by itself, at once: keys of sentences by field. The server says the same a moment later. */
export function instantFaults(draft, plain) {
  const faults = {};
  draft.stages.forEach((stage, number) => {
    const texts = stage.choices.map(({ text }) => plain(text).split(/\s+/).filter(Boolean).join(" ").toLowerCase());
    if (texts.some((text) => !text)) {
      faults[`stages.${number}.choices`] = "fillOptions";
    } else if (new Set(texts).size !== texts.length) {
      faults[`stages.${number}.choices`] = "differ";
    }
    if (stage.kind === "choice") {
      if (stage.choices.length !== OPTIONS) {
        faults[`stages.${number}.choices`] = "exactlyFour";
      } else if (stage.choices.filter(({ role }) => role === "key").length !== 1) {
        faults[`stages.${number}.key`] = "oneKey";
      }
    }
  });
  return faults;
}

/** The item as the server would send it to a candidate. Choices keep their places: their order is drawn anew anyway. */
export function candidateCopy(draft) {
  return {
    kind: isCase(draft) ? "case" : "four_option",
    stem: draft.stem,
    markup: draft.markup,
    stages: draft.stages.map((stage, number) => ({
      kind: stage.kind,
      prompt: stage.prompt,
      reveal: stage.reveal,
      ordered: stage.ordered,
      choices: stage.choices.map(({ text }, place) => ({ id: `${number}-${place}`, text: text.trim() || "…" })),
    })),
  };
}

/** The pictures that the draft names. */
export function picturesIn(draft) {
  const found = new Set();
  changeTexts(draft, (text) => {
    for (const [, asset] of draft.markup === "html" ? text.matchAll(/data-asset="([a-z0-9-]+)"/g) : []) {
      found.add(asset);
    }
    return text;
  });
  return [...found];
}
