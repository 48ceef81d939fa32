// One place looked at closely: the picture follows the camera, the rest is read again when something happened, and
// the acts have keys: w warns, n writes, p pauses and resumes, h answers a call for help.

import { hideBroken, listen, refresh, shower } from "./live.js";

const REST_MS = 500;
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

function adopt(fresh) {
  const old = place.querySelector(`[data-fresh="${fresh.dataset.fresh}"]`);
  if (!old || old.outerHTML === fresh.outerHTML) {
    return;
  }
  if (old.closest("dialog[open]")) {
    return; // somebody is filling it in
  }
  const act = old.contains(document.activeElement) ? document.activeElement.dataset.act : undefined;
  old.replaceWith(fresh);
  if (act) {
    const same = fresh.querySelector(`[data-act="${act}"]`) ?? fresh.querySelector("[data-act]");
    same?.focus({ preventScroll: true });
  }
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
      const stage = (root) => root.querySelector("[data-stage]").dataset.stage;
      if (stage(holder.content) !== stage(place) && !busy()) {
        // What the page is made of has changed as well.
        location.reload();
        return;
      }
      for (const fresh of holder.content.querySelectorAll("[data-fresh]")) {
        adopt(fresh);
      }
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
  const two = (number) => String(number).padStart(2, "0");
  for (const clock of place.querySelectorAll("[data-deadline]")) {
    clock.dataset.shown ||= String(performance.now());
    const passed = performance.now() - Number(clock.dataset.shown);
    const left = Math.max(0, Number(clock.dataset.deadline) - Number(clock.dataset.now) - passed);
    const seconds = Math.floor(left / 1_000);
    clock.textContent = `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  }
}

document.addEventListener("keydown", (event) => {
  // A dialog that was just closed keeps the focus for a moment.
  const field = event.target.closest("input, textarea, select");
  const typing = field !== null && field.closest("dialog:not([open])") === null;
  if (typing || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey || event.repeat) {
    return;
  }
  // The place of the key, so that a Russian layout works as well.
  const act = place.querySelector(`[data-key="${event.code}"]`);
  if (!act) {
    return;
  }
  event.preventDefault();
  if ("keyFocus" in act.dataset) {
    act.focus(); // the clocks run on at once: that takes a second key
  } else {
    act.click();
  }
});

// A dialog opens at the first thing to fill in.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  const dialog = opener && document.getElementById(opener.dataset.opens);
  dialog?.querySelector("textarea, input:not([type=hidden])")?.focus();
});

hideBroken(image);
for (const refused of document.querySelectorAll("[data-open-now]")) {
  refused.showModal();
  const field = refused.querySelector("[aria-invalid]") ?? refused.querySelector("textarea");
  field?.focus();
  if (field?.matches("textarea")) {
    field.setSelectionRange(field.value.length, field.value.length);
  }
}
listen(`${address}/events`, { changed: read, frame: () => refresh(image) }, shower());
setInterval(tick, 1_000);
setInterval(() => document.visibilityState === "visible" && refresh(image), STILL_MS);
tick();
