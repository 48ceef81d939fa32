// One place looked at closely: the picture follows the camera, the rest is read again when something happened.

import { hideBroken, listen, refresh, shower } from "./live.js";

const REST_MS = 1_000;
const STILL_MS = 3_000;

const place = document.querySelector("[data-place]");
const address = place.dataset.place;
const image = document.querySelector("[data-still]");
let reading = false;
let again = false;

function busy() {
  const typed = [...document.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue);
  return typed || document.querySelector("dialog[open]") !== null;
}

async function read() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  try {
    const answer = await fetch(`${address}/panel`, { cache: "no-store", headers: { accept: "text/html" } });
    if (answer.ok && !answer.redirected) {
      const holder = document.createElement("template");
      holder.innerHTML = await answer.text();
      const fresh = holder.content.querySelector("[data-panel]");
      const old = place.querySelector("[data-panel]");
      if (fresh.dataset.stage !== old.dataset.stage && !busy()) {
        // What may be done has changed as well.
        location.reload();
        return;
      }
      old.replaceWith(fresh);
      tick();
    }
  } catch {
    // No connection: the page says so already.
  } finally {
    setTimeout(() => {
      reading = false;
      if (again) {
        again = false;
        read();
      }
    }, REST_MS);
  }
}

function tick() {
  const clock = place.querySelector("[data-deadline]");
  if (!clock) {
    return;
  }
  clock.dataset.shown ||= String(performance.now());
  const passed = performance.now() - Number(clock.dataset.shown);
  const left = Math.max(0, Number(clock.dataset.deadline) - Number(clock.dataset.now) - passed);
  const seconds = Math.floor(left / 1_000);
  const two = (number) => String(number).padStart(2, "0");
  clock.textContent = `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

hideBroken(image);
for (const hidden of document.querySelectorAll("[data-needs-script]")) {
  hidden.hidden = false;
}
for (const plain of document.querySelectorAll("[data-plain-form]")) {
  plain.remove();
}
listen(`${address}/events`, { changed: read, frame: () => refresh(image) }, shower());
setInterval(tick, 1_000);
setInterval(() => document.visibilityState === "visible" && refresh(image), STILL_MS);
tick();
