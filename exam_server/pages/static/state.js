// What the page knows of the sitting: the server's messages folded, and unconfirmed edits laid over. Pure.

export const blank = {
  status: "loading",
  /** The exam's own limit, ms: with the first item it becomes a deadline. */
  limit: Infinity,
  navigation: "linear",
  flags: false,
  marks: [],
  deadline: 0,
  item: null,
  ended: null,
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
    case "changed":
      return {
        ...blank,
        limit: state.limit,
        status: message.status,
        navigation: message.navigation,
        flags: message.flags,
        marks: message.marks,
        deadline: message.deadline,
        item: message.item ?? null,
        ended: message.ended ?? null,
      };
    case "item":
      return showItem(state.status === "ready" ? begin(state, message.now) : state, message.item);
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
    case "late":
      return takeBack(state, message.seq);
    case "ended":
      return { ...state, status: "ended", ended: message.reason, item: null };
    default:
      return state;
  }
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
    case "flag":
      return mark(state, edit.position, { flagged: edit.on });
    case "lock":
      return { ...state, closing: edit.position };
    case "show":
      return { ...state, expired: [] };
    default:
      return state;
  }
}

/** What to draw: the state with unconfirmed edits laid over it. `moving` is an edit that changes the screen. */
export function look(state, pending) {
  let { marks, item } = state;
  let moving = null;
  const waiting = new Set();
  /** Stages whose newest answer is not on this device's disk yet. */
  const unstored = new Set();
  for (const { seq, edit } of pending) {
    if (edit.type === "respond") {
      if (item?.position === edit.position && !item.closed) {
        item = answer(item, edit);
        waiting.add(edit.stage);
        if (seq === null) {
          unstored.add(edit.stage);
        }
      }
      const answered = item?.position === edit.position ? item.answers.some((v) => v.length) : edit.value.length > 0;
      marks = put(marks, edit.position, { answered });
    } else if (edit.type === "flag") {
      marks = put(marks, edit.position, { flagged: edit.on });
    } else {
      moving = edit;
    }
  }
  return { ...state, marks, item, moving, waiting, unstored };
}

/** The nearest place in a direction that is not locked; null at the end of the row. */
export function neighbour(marks, from, step) {
  for (let position = from + step; position >= 0 && position < marks.length; position += step) {
    if (!marks[position].locked) {
      return position;
    }
  }
  return null;
}

/** How many places of the map are still without an answer and can be given one. */
export function count(marks) {
  const answered = marks.filter((one) => one.answered).length;
  return {
    answered,
    unanswered: marks.length - answered,
    flagged: marks.filter((one) => one.flagged).length,
    open: marks.filter((one) => !one.answered && !one.locked).length,
  };
}

/** Options in their new order after one was pressed. `kind` choice: it replaces; actions: it joins or leaves. */
export function press(kind, value, id) {
  if (kind === "choice") {
    return [id];
  }
  return value.includes(id) ? value.filter((one) => one !== id) : [...value, id];
}

/** Before the start the deadline is the window's close; the item that answers the start carries its moment. */
function begin(state, now) {
  return { ...state, status: "running", deadline: Math.min(state.deadline, now + state.limit) };
}

function showItem(state, item) {
  const { closing } = state;
  const locked = closing !== null && closing !== item.position;
  const after = locked ? mark(state, closing, { locked: true }) : state;
  return { ...mark(after, item.position, { visited: true }), item, closing: null };
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
