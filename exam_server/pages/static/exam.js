// The exam page: joins the queue, the link, the clock and the camera, and draws what follows.

import { html, render } from "../core/vendor/preact-htm.js";
import { Camera } from "./camera.js";
import { ServerClock } from "./clock.js";
import { words } from "./exam_words.js";
import { listen } from "./keys.js";
import { Link } from "./link.js";
import { Queue } from "./queue.js";
import { blank, fold, look, neighbour, receive } from "./state.js";
import { openStore } from "./store.js";
import { Page } from "./view.js";
import { keepAwake, watchWindow } from "./watch.js";
import { spanText, speaker } from "./words.js";

const data = JSON.parse(document.getElementById("exam-data").textContent);
const place = document.getElementById("exam");
const say = speaker(words);
const clock = new ServerClock(() => performance.now());
/** Unconfirmed for longer than this: the page says that it keeps the answers itself. */
const STALLED_AFTER = 3_000;
const SLOW_AFTER = 5_000;
const PHONE = matchMedia("(max-width: 60rem)");
const BROAD = matchMedia("(min-width: 90rem)");
const begunAt = performance.now();

let state = { ...blank, limit: data.exam_limit };
let announcement = "";
let notices = [];
let noticeCount = 0;
let dialog = null;
let reviewing = false;
let stepEmpty = false;
let stopWatching = null;
let drawing = false;

const preferences = {
  get: (name, otherwise) => {
    try {
      return localStorage.getItem(`exam-${name}`) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  set: (name, value) => {
    try {
      localStorage.setItem(`exam-${name}`, value);
    } catch {
      // A browser that keeps nothing asks again next time.
    }
  },
};
let dock = preferences.get("dock", "side");
let keys = preferences.get("keys", "on") === "on";

const store = await openStore(data.sitting);
const queue = new Queue({
  storage: store,
  now: () => performance.now(),
  later: (pause, work) => {
    const timer = setTimeout(work, pause);
    return () => clearTimeout(timer);
  },
  told: { changed: draw, acknowledged, refused },
});
const link = new Link({
  path: `/ws/sittings/${data.sitting}?stream=${store.stream}`,
  clock,
  told: { message: hear, changed: linkChanged },
});
const camera = new Camera({ path: `/ws/camera/${data.sitting}`, told: { changed: draw } });

// --- what is drawn --------------------------------------------------------------------------------------

function draw() {
  if (!drawing) {
    drawing = true;
    queueMicrotask(() => {
      drawing = false;
      render(html`<${Page} model=${takeModel()} act=${act} say=${say} />`, place);
    });
  }
}

function takeModel() {
  const view = look(state, queue.pending);
  const now = clock.now();
  const examOver = view.status === "running" && now >= view.deadline;
  return {
    data,
    clock,
    view,
    link: link.state,
    reason: link.reason,
    offline: link.state !== "live",
    stalled: link.state === "live" && queue.waited > STALLED_AFTER,
    slow: performance.now() - begunAt > SLOW_AFTER,
    lasting: store.lasting,
    unsent: queue.pending.length,
    watched: !data.practice,
    camera: { stream: camera.lens?.stream ?? null, trouble: camera.trouble, refusal: camera.refusal },
    room: PHONE.matches ? "phone" : BROAD.matches ? "broad" : "wide",
    examOver,
    timeUp: examOver || Boolean(view.item && now >= view.item.deadline),
    announcement,
    notices,
    dialog,
    reviewing,
    stepEmpty,
    dock,
    keys,
  };
}

// --- what the server says -------------------------------------------------------------------------------

function hear(message) {
  const before = state;
  state = receive(state, message);
  switch (message.type) {
    case "snapshot":
      queue.open((edit) => link.send(edit), message.seq);
      stepIn();
      break;
    case "ack":
      queue.acknowledge(message.seq);
      break;
    case "refused":
      queue.refuse(message.seq ?? null, message.code, message.message);
      break;
    case "item":
      dialog = null;
      stepEmpty = false;
      reviewing = reviewing && before.item?.position === message.item.position;
      stepIn();
      break;
    case "deadlines":
      if (before.status === "running" && before.deadline !== message.deadline) {
        tell("info", say("moreTime", { left: spanText(message.deadline - message.now) }));
      }
      break;
    case "notice":
      tell("warn", message.text, say("proctor"));
      break;
    case "late":
      tell("warn", say("lateAnswer", { number: message.position + 1 }));
      break;
  }
  if (state.status === "ended") {
    leave();
  }
  draw();
}

function acknowledged(entries) {
  state = entries.reduce(fold, state);
  finishUp();
}

function refused(entry, code, reason) {
  if (code !== "ended") {
    const { position } = entry.edit;
    const text = position === undefined ? say("notTakenAny", { reason }) : say("notTaken", { number: position + 1, reason });
    tell("warn", text);
  }
  finishUp();
}

function linkChanged() {
  if (link.state !== "live") {
    queue.shut();
  }
  if (link.state === "taken") {
    leave();
  }
  draw();
}

function tell(kind, text, title = "") {
  noticeCount += 1;
  notices = [...notices.filter((one) => one.text !== text), { id: noticeCount, kind, text, title }].slice(-3);
  draw();
}

// --- coming and going -----------------------------------------------------------------------------------

function stepIn() {
  if (state.status === "ended" || data.practice) {
    return;
  }
  camera.open();
  camera.start();
  if (state.status === "running" && !stopWatching) {
    stopWatching = watchWindow((kind) => camera.tell(kind));
    keepAwake();
  }
}

function leave() {
  camera.stop();
  stopWatching?.();
  stopWatching = null;
  dialog = null;
  finishUp();
}

/** Over and everything confirmed: nothing of it stays on this device. */
function finishUp() {
  if (state.status === "ended" && !queue.pending.length) {
    link.stop();
    store.erase();
  }
}

// --- what the candidate does ----------------------------------------------------------------------------

const seen = () => look(state, queue.pending);

function change(work) {
  return (...values) => {
    work(...values);
    draw();
  };
}

const act = {
  respond: change((stage, value) => {
    const { item, moving } = seen();
    if (item && !item.closed && !moving && !takeModel().timeUp) {
      stepEmpty = false;
      queue.add({ type: "respond", position: item.position, stage, value });
    }
  }),
  flag: change((on) => queue.add({ type: "flag", position: state.item.position, on })),
  show: change((position) => {
    dialog = null;
    reviewing = false;
    if (position !== state.item?.position) {
      queue.add({ type: "show", position });
    }
  }),
  start: change(() => queue.add({ type: "start" })),
  submit: change(() => {
    dialog = null;
    queue.add({ type: "submit" });
  }),
  lock: change(() => {
    dialog = null;
    const { item } = seen();
    queue.add({ type: "lock", position: item.position, stage: item.stage });
  }),
  leave: change(() => {
    dialog = null;
    queue.add({ type: "show", position: state.item.position + 1 });
  }),
  askLock: change(() => {
    const { item } = seen();
    stepEmpty = !item.answers[item.stage]?.length;
    dialog = stepEmpty ? null : "lock";
  }),
  askFinish: change(() => {
    dialog = "finish";
  }),
  next: change(() => {
    const { item, marks, navigation } = seen();
    if (navigation === "free") {
      const open = neighbour(marks, item.position, 1);
      if (open === null) {
        reviewing = true;
      } else {
        queue.add({ type: "show", position: open });
      }
    } else if (item.position === marks.length - 1) {
      dialog = "finish";
    } else if (item.content.kind === "case") {
      dialog = "skip";
    } else if (!item.answers[0].length) {
      dialog = "leave";
    } else {
      queue.add({ type: "show", position: item.position + 1 });
    }
  }),
  previous: change(() => {
    const { item, marks } = seen();
    const open = neighbour(marks, item.position, -1);
    if (open !== null) {
      queue.add({ type: "show", position: open });
    }
  }),
  review: change(() => {
    reviewing = true;
  }),
  leaveReview: change(() => {
    reviewing = false;
  }),
  open: change((name) => {
    dialog = name;
  }),
  close: change(() => {
    dialog = null;
  }),
  dismiss: change((id) => {
    notices = notices.filter((one) => one.id !== id);
  }),
  setDock: change((name) => {
    dock = name;
    preferences.set("dock", name);
  }),
  setKeys: change((on) => {
    keys = on;
    preferences.set("keys", on ? "on" : "off");
  }),
  announce: change((text) => {
    announcement = text;
  }),
  openCamera: change(() => camera.open()),
  restart: change(() => link.restart()),
};

// --- from here on it runs -------------------------------------------------------------------------------

window.addEventListener("beforeunload", (event) => {
  if (queue.pending.length && (link.state !== "live" || !store.lasting)) {
    event.preventDefault();
  }
});
PHONE.addEventListener("change", draw);
BROAD.addEventListener("change", draw);
listen(() => ({ ...takeModel(), act }));

await queue.load();
place.replaceChildren();
draw();
link.start();

/** Clocks redraw themselves; this catches the moments at which the page itself changes with time. */
let drawn = "";
setInterval(() => {
  const { timeUp, examOver, stalled, slow } = takeModel();
  const now = JSON.stringify([timeUp, examOver, stalled, slow]);
  if (now !== drawn) {
    drawn = now;
    draw();
  }
}, 250);
