// What the page knows of the sitting: the server's messages folded, and unconfirmed edits laid over. Pure.

export const blank = {
  status: "loading",
  navigation: "linear",
  flags: false,
  marks: [],
  /** The exam's; while the clocks stand it is what it was when they stopped. */
  deadline: 0,
  closesAt: 0,
  opensAt: 0,
  item: null,
  /** { number, count, first, items, begun, deadline }, or null where the form is one whole. */
  section: null,
  /** { since, until, text } while the clocks stand: a break where `until` is there, else a pause. */
  halt: null,
  breaksLeft: 0,
  breakLimit: 0,
  /** Messages of the proctor that were not confirmed, oldest first. */
  unread: [],
  help: false,
  explanations: "none",
  /** In practice: the locked item whose explanation is open until the candidate goes on; at the end the last one. */
  explained: null,
  ended: null,
  reason: "",
  epoch: 0,
  /** The item whose stage was just locked, until it is known whether that was the last stage. */
  closing: null,
  /** What the newest acknowledged answer replaced: a "late" notice takes it back. */
  undo: null,
  /** Positions whose time ran out since the last item the candidate opened. */
  expired: [],
};

/** The state after a message of the server. */
export function receive(state, message) {
  switch (message.type) {
    case "snapshot":
      return { ...blank, ...viewOf(message), epoch: message.epoch };
    case "changed":
      return { ...state, ...viewOf(message), epoch: message.epoch ?? state.epoch, closing: null };
    case "item":
      return showItem(state.status === "ready" ? { ...state, status: "running", opensAt: 0 } : state, message.item);
    case "closed":
      return {
        ...mark(state, message.position, { locked: true, ...(message.expired && { expired: true }) }),
        item: state.item?.position === message.position ? { ...state.item, closed: true } : state.item,
        expired: message.expired ? [...state.expired, message.position] : state.expired,
      };
    case "deadlines":
      return {
        ...state,
        deadline: message.deadline,
        item: state.item && { ...state.item, deadline: message.item_deadline ?? state.item.deadline },
      };
    case "notice": {
      const { id, kind, text, at } = message;
      return state.unread.some((one) => one.id === id)
        ? state
        : { ...state, unread: [...state.unread, { id, kind, text, at }] };
    }
    case "late":
      return takeBack(state, message.seq);
    case "ended":
      return {
        ...state,
        status: "ended",
        ended: message.reason,
        reason: message.text ?? "",
        item: null,
        halt: null,
        explained: state.explanations === "item" ? (state.item?.position ?? state.explained) : null,
      };
    default:
      return state;
  }
}

/** What the server leaves out is as `blank` has it. */
function viewOf(message) {
  return {
    status: message.status,
    navigation: message.navigation,
    flags: message.flags,
    marks: message.marks,
    deadline: message.deadline,
    closesAt: message.closes_at,
    opensAt: message.opens_at ?? 0,
    item: message.item ?? null,
    section: message.section ?? null,
    halt: message.halt ?? null,
    breaksLeft: message.breaks_left ?? 0,
    breakLimit: message.break_limit ?? 0,
    unread: message.notices ?? [],
    help: message.help ?? false,
    explanations: message.explanations ?? "none",
    explained: message.explained ?? null,
    ended: message.ended ?? null,
    reason: message.reason ?? "",
  };
}

/** The state after an edit was acknowledged. */
export function fold(state, { seq, edit }) {
  switch (edit.type) {
    case "respond": {
      const before = state.item?.position === edit.position ? state.item.answers[edit.stage] : null;
      const item = answer(state.item, edit);
      const answered = item === state.item ? edit.value.length > 0 : item.answers.some((value) => value.length);
      const undo = { seq, edit, before, answered: state.marks[edit.position]?.answered ?? false };
      return { ...mark(state, edit.position, { answered }), item, undo };
    }
    case "lock":
      return { ...state, closing: edit.position };
    case "show":
    case "take_break":
      return { ...state, expired: [] };
    default:
      return lay(state, edit);
  }
}

/** What to draw: the state with unconfirmed edits laid over it. `moving` is an edit that changes the screen. */
export function look(state, pending) {
  let laid = state;
  let moving = null;
  const waiting = new Set();
  /** Stages whose newest answer is not on this device's disk yet. */
  const unstored = new Set();
  for (const { seq, edit } of pending) {
    if (edit.type === "respond") {
      const { item } = laid;
      const here = item?.position === edit.position;
      if (here && !item.closed) {
        laid = { ...laid, item: answer(item, edit) };
        waiting.add(edit.stage);
        if (seq === null) {
          unstored.add(edit.stage);
        }
      }
      const answered = here ? laid.item.answers.some((value) => value.length) : edit.value.length > 0;
      laid = mark(laid, edit.position, { answered });
    } else if (QUIET.has(edit.type)) {
      laid = lay(laid, edit);
    } else {
      moving = edit;
    }
  }
  return { ...laid, moving, waiting, unstored };
}

/** Edits that leave on the screen what is there. */
const QUIET = new Set(["flag", "read", "remark", "help"]);

function lay(state, edit) {
  switch (edit.type) {
    case "flag":
      return mark(state, edit.position, { flagged: edit.on });
    case "remark":
      return mark(state, edit.position, { questioned: true });
    case "read":
      return { ...state, unread: state.unread.filter((one) => one.id !== edit.notice) };
    case "help":
      return { ...state, help: true };
    default:
      return state;
  }
}

/** The first place of the present section and the one after its last. */
export function bounds({ section, marks }) {
  return section === null ? [0, marks.length] : [section.first, section.first + section.items];
}

/** The nearest place of the section in a direction that is not locked; null at its end. */
export function neighbour(view, from, step) {
  const [first, end] = bounds(view);
  for (let position = from + step; position >= first && position < end; position += step) {
    if (!view.marks[position].locked) {
      return position;
    }
  }
  return null;
}

/** Where a section that has not begun begins; null when nothing of it is open. */
export function entryOf(view) {
  return neighbour(view, bounds(view)[0] - 1, 1);
}

/** May the candidate leave this section for the next one? */
export const hasNextSection = ({ section }) => section !== null && section.number + 1 < section.count;

/** A section is over, and the next one waits to be begun. */
export const isBetween = ({ status, section, halt }) =>
  status === "running" && halt === null && section !== null && !section.begun;

/** What is left of the exam at a moment, ms; it stands while the clocks do. */
export const examLeft = ({ deadline, halt }, now) => Math.max(0, deadline - (halt?.since ?? now));

/** How many places are answered, and how many more can or could have been. What was withdrawn counts nowhere. */
export function count(marks) {
  const given = marks.filter((one) => !one.withdrawn);
  const answered = given.filter((one) => one.answered).length;
  return {
    all: given.length,
    answered,
    unanswered: given.length - answered,
    flagged: given.filter((one) => one.flagged).length,
    open: given.filter((one) => !one.answered && !one.locked).length,
  };
}

/** Options in their new order after one was pressed. `kind` choice: it replaces; actions: it joins or leaves. */
export function press(kind, value, id) {
  if (kind === "choice") {
    return [id];
  }
  return value.includes(id) ? value.filter((one) => one !== id) : [...value, id];
}

/**
 * Of the proctor's unread words the one to show. What is on screen (`shown`, its id) stays until it is read, so that no
 * other one gets under a finger that is about to confirm it; then warnings come before messages, the oldest first.
 */
export function pickNotice(unread, shown) {
  return unread.find((one) => one.id === shown) ?? unread.find((one) => one.kind === "warning") ?? unread[0] ?? null;
}

/** Places that the commission has taken out since: numbers as people count them. */
export const withdrawnSince = (before, after) =>
  before.marks.length === after.marks.length
    ? after.marks.flatMap((one, place) => (one.withdrawn && !before.marks[place].withdrawn ? [place + 1] : []))
    : [];

/** Another screen, or clocks that stand: what was said of the time left is over. */
export const isElsewhere = (before, after) =>
  before.status !== after.status ||
  before.item?.position !== after.item?.position ||
  Boolean(before.halt) !== Boolean(after.halt);

function showItem(state, item) {
  const { closing } = state;
  const locked = closing !== null && closing !== item.position;
  const after = locked ? mark(state, closing, { locked: true }) : state;
  return { ...mark(after, item.position, { visited: true }), item, closing: null, explained: null };
}

function takeBack(state, seq) {
  const { undo } = state;
  if (undo?.seq !== seq) {
    return state;
  }
  const item = undo.before === null ? state.item : answer(state.item, { ...undo.edit, value: undo.before });
  return { ...mark(state, undo.edit.position, { answered: undo.answered }), item, undo: null };
}

function answer(item, { position, stage, value }) {
  if (item?.position !== position || stage >= item.answers.length) {
    return item;
  }
  return { ...item, answers: item.answers.map((old, number) => (number === stage ? value : old)) };
}

function mark(state, position, change) {
  return { ...state, marks: put(state.marks, position, change) };
}

function put(marks, position, change) {
  return marks.map((one, number) => (number === position ? { ...one, ...change } : one));
}
