// Waits until the exam opens, by the server's clock, and goes in.

import { clockText, passed, ServerClock } from "./clock.js";
import { askAfter, daysLeft, enterAfter, MARKS, tryAfter } from "./door.js";
import { words } from "./entrance_words.js";
import { spanText, speaker } from "./words.js";

const data = JSON.parse(document.getElementById("wait-data").textContent);
const say = speaker(words);
const $ = (id) => document.getElementById(id);
const here = `/exam/bookings/${data.booking}`;
const form = $("enter");
const clock = new ServerClock(() => performance.now());
clock.hint(data.now);

let before = data.opensAt - clock.now();
let opened = false;
let failures = 0;
let asking = 0;

function tick() {
  if (opened) {
    return;
  }
  const left = data.opensAt - clock.now();
  const days = daysLeft(left);
  $("left-time").textContent = days === null ? clockText(left) : say("daysLeft", { count: days });
  const mark = passed(before, left, MARKS);
  if (mark !== null && left > 0) {
    $("said").textContent = say("opensIn", { left: spanText(mark) });
  }
  before = left;
  if (left <= 0) {
    open();
  }
}

function open() {
  opened = true;
  $("left").hidden = true;
  $("door").hidden = false;
  $("wait-title").textContent = say("opened");
  $("wait-note").textContent = say("goingIn");
  $("said").textContent = `${say("opened")}. ${say("goingIn")}`;
  setTimeout(enter, enterAfter(Math.random()));
}

/** The same as the button does, but a server that does not answer is asked again. */
async function enter() {
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      redirect: "manual",
    });
    if (answer.type === "opaqueredirect") {
      location.replace(here); // it leads on to the exam, or to the sign-in and back
      return;
    }
    if (answer.status < 500 && answer.status !== 429 && (await look()) !== "waiting") {
      location.reload(); // it says what stands in the way
      return;
    }
  } catch {
    // No line: tried again like everything else.
  }
  failures += 1;
  $("wait-note").textContent = say("openedNoAnswer");
  setTimeout(enter, tryAfter(failures, Math.random()));
}

/** Where the candidate stands now. Throws where the server does not answer. */
async function look() {
  const sent = performance.now();
  const answer = await fetch(`${here}/state`, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) {
    return answer.status < 500 && answer.status !== 429 ? "gone" : data.state;
  }
  const { state, opensAt, now } = await answer.json();
  clock.sample(sent, performance.now(), now);
  data.opensAt = opensAt;
  return state;
}

async function ask() {
  clearTimeout(asking);
  try {
    const state = await look();
    if (!opened && state !== "waiting" && state !== "open") {
      location.reload();
    }
  } catch {
    // The clock goes on without the server.
  }
  asking = setTimeout(ask, askAfter(data.opensAt - clock.now(), Math.random()));
}

$("door").hidden = true;
$("left").hidden = false;
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && !opened && ask());
setInterval(tick, 250);
tick();
asking = setTimeout(ask, askAfter(0, Math.random()));
