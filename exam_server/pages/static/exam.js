// The exam page: joins the queue, the link, the clock and the camera, and draws what follows.

import { html, render } from "../core/vendor/preact-htm.js";
import { makeActs } from "./acts.js";
import { Camera } from "./camera.js";
import { ServerClock } from "./clock.js";
import { words } from "./exam_words.js";
import { words as haltWords } from "./halt_words.js";
import { listen } from "./keys.js";
import { Link } from "./link.js";
import { words as practiceWords } from "./practice_words.js";
import { Queue } from "./queue.js";
import { words as runWords } from "./run_words.js";
import { blank, examLeft, fold, isElsewhere, look, receive, withdrawnSince } from "./state.js";
import { openStore } from "./store.js";
import { Page } from "./view.js";
import { keepAwake, watchWindow } from "./watch.js";
import { spanText, speaker } from "./words.js";

const data = JSON.parse(document.getElementById("exam-data").textContent);
const token = document.querySelector('meta[name="csrf-token"]').content;
const place = document.getElementById("exam");
const say = speaker({ ...words, ...haltWords, ...practiceWords, ...(data.practice && runWords) });
const clock = new ServerClock(() => performance.now());
/** Unconfirmed for longer than this: the page says that it keeps the answers itself. */
const STALLED_AFTER = 3_000;
const SLOW_AFTER = 5_000;
/** News that asks for nothing goes away by itself. */
const NEWS_FOR = 15_000;
/** A change of the exam's time that is worth a word, ms. */
const WORTH_TELLING = 1_000;
/** Refusals that tell the candidate nothing: what was asked for is so already. */
const NO_NEWS = new Set(["ended", "unknown_notice", "not_on_break", "already_started"]);
const PHONE = matchMedia("(max-width: 60rem)");
const BROAD = matchMedia("(min-width: 90rem)");
const begunAt = performance.now();

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

let state = blank;
/** What the page shows of itself, beside the sitting. */
const ui = {
  announcement: "",
  notices: [],
  dialog: null,
  reviewing: false,
  stepEmpty: false,
  /** The explanation that was read to its end while no item could follow it: a section was over. */
  read: null,
  leaving: false,
  dock: preferences.get("dock", "side"),
  keys: preferences.get("keys", "on") === "on",
};
let noticeCount = 0;
let stopWatching = null;
let drawing = false;
/** The connection was gone: its return is told, once what waited has arrived. */
let missed = false;

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
  sitting: data.sitting,
  stream: store.stream,
  token,
  clock,
  told: { message: hear, changed: linkChanged },
});
const camera = new Camera({ path: `/ws/camera/${data.sitting}`, told: { changed: draw } });
/** Windows of one browser share the queue; the newest that got through has the sitting. */
const windows = "BroadcastChannel" in window ? new BroadcastChannel(`exam-${data.sitting}`) : null;

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

const seen = () => look(state, queue.pending);

function takeModel() {
  const view = seen();
  const now = clock.now();
  const examOver = view.status === "running" && examLeft(view, now) <= 0;
  const sectionOver = Boolean(view.section?.deadline && !view.halt && now >= view.section.deadline);
  return {
    ...ui,
    data,
    clock,
    view,
    link: link.state,
    reason: link.reason,
    byRequests: link.slow,
    offline: link.state !== "live",
    stalled: link.state === "live" && !view.halt && queue.waited > STALLED_AFTER,
    slow: performance.now() - begunAt > SLOW_AFTER,
    early: view.status === "ready" && now < view.opensAt,
    lasting: store.lasting,
    unsent: queue.pending.length,
    watched: !data.practice,
    camera: { stream: camera.lens?.stream ?? null, trouble: camera.trouble, refusal: camera.refusal },
    room: PHONE.matches ? "phone" : BROAD.matches ? "broad" : "wide",
    examOver,
    timeUp: examOver || sectionOver || Boolean(view.item && now >= view.item.deadline),
  };
}

// --- what the server says -------------------------------------------------------------------------------

function hear(message) {
  const before = state;
  state = receive(state, message);
  if (isElsewhere(before, state)) {
    ui.announcement = "";
  }
  switch (message.type) {
    case "snapshot":
      queue.open((edit) => link.send(edit), message.seq);
      welcome();
      stepIn();
      windows?.postMessage("here");
      settleIn(before, message.now);
      break;
    case "changed":
      stepIn();
      settleIn(before, message.now);
      break;
    case "ack":
      queue.acknowledge(message.seq);
      break;
    case "refused":
      queue.refuse(message.seq ?? null, message.code, message.message);
      break;
    case "item":
      ui.dialog = null;
      ui.stepEmpty = false;
      ui.reviewing = ui.reviewing && before.item?.position === message.item.position;
      stepIn();
      break;
    case "deadlines":
      tellTime(before, message.now);
      break;
    case "notice":
      break; // stays on screen until it is confirmed: the state has it
    case "late":
      tell("warn", say("lateAnswer", { number: message.position + 1 }));
      break;
  }
  if (state.status === "ended") {
    leave();
  }
  draw();
}

/** The sitting was drawn anew: what the page shows of itself has to fit it. */
function settleIn(before, now) {
  const gone = before.status === "running" ? withdrawnSince(before, state) : [];
  if (gone.length) {
    tell("info", say("withdrawn", { count: gone.length, numbers: gone.join(", ") }), "withdrawn");
  }
  if (isElsewhere(before, state)) {
    ui.dialog = null;
    ui.stepEmpty = false;
    ui.reviewing = false;
  }
  if (before.halt && !state.halt) {
    queue.hurry();
  }
  tellTime(before, now);
}

/** Said once, when somebody has changed the exam's time. */
function tellTime(before, now) {
  const left = examLeft(state, now);
  const running = before.status === "running" && state.status === "running";
  if (running && Math.abs(left - examLeft(before, now)) > WORTH_TELLING) {
    ui.announcement = "";
    mention("info", say("moreTime", { left: spanText(left) }), "time");
  }
}

function acknowledged(entries) {
  state = entries.reduce(fold, state);
  welcome();
  finishUp();
}

function refused(entry, code, reason) {
  if (!NO_NEWS.has(code)) {
    const { position } = entry.edit;
    const text = position === undefined ? say("notTakenAny", { reason }) : say("notTaken", { number: position + 1, reason });
    tell("warn", text);
  }
  welcome();
  finishUp();
}

function linkChanged() {
  if (link.state !== "live") {
    queue.shut();
  }
  if (link.state === "down" && state.status !== "loading") {
    missed = true;
  }
  if (link.state === "taken") {
    leave();
  }
  draw();
}

/** The connection is back and everything that waited has arrived. */
function welcome() {
  if (missed && link.state === "live" && !queue.pending.length) {
    missed = false;
    mention("ok", say("restored"));
  }
}

/** Say something at the foot of the page; of one `topic` only the newest word stays. */
function tell(kind, text, topic = text) {
  noticeCount += 1;
  const notice = { id: noticeCount, kind, text, topic };
  ui.notices = [...ui.notices.filter((one) => one.topic !== topic), notice].slice(-3);
  draw();
  return notice;
}

function mention(...what) {
  const { id } = tell(...what);
  setTimeout(() => act.dismiss(id), NEWS_FOR);
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
  ui.dialog = null;
  ui.announcement = "";
  finishUp();
}

/** Over and everything confirmed: nothing of it stays on this device. */
async function finishUp() {
  if (state.status === "ended" && !queue.pending.length && (await queue.isEmpty())) {
    link.stop();
    store.erase();
  }
}

const act = makeActs({ ui, seen, overdue: () => takeModel().timeUp, queue, link, camera, preferences, draw });

// --- from here on it runs -------------------------------------------------------------------------------

window.addEventListener("beforeunload", (event) => {
  const kept = store.lasting && (link.state === "live" || ui.leaving);
  if (queue.pending.length && !kept) {
    event.preventDefault();
  }
});
windows?.addEventListener("message", () => link.yield());
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
  const { timeUp, examOver, stalled, slow, early } = takeModel();
  const now = JSON.stringify([timeUp, examOver, stalled, slow, early]);
  if (now !== drawn) {
    drawn = now;
    draw();
  }
}, 250);
