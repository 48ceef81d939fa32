// The wall: tiles come as HTML from the server, only those that changed; pictures of tiles in sight are renewed.

import { hideBlank, hideBroken, listen, refresh, shower } from "./live.js";

const STILLS_MS = 3_000;

const wall = document.querySelector("[data-wall]");
const empty = document.querySelector("[data-wall-empty]");
const inSight = new Set();
const calling = document.querySelector("[data-calling]");
const sound = document.querySelector("[data-sound]");
let speaker = null;

const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) {
      inSight.add(entry.target);
    } else {
      inSight.delete(entry.target);
    }
  }
});

function tileOf(sitting) {
  return wall.querySelector(`[data-sitting="${CSS.escape(String(sitting))}"]`);
}

function adopt(tile) {
  const image = tile.querySelector("[data-still]");
  hideBroken(image);
  watcher.observe(image);
}

function parse(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content.firstElementChild;
}

/** Two short tones; only where somebody asked for sound. */
function ring() {
  if (!speaker) {
    return;
  }
  for (const [number, pitch] of [660, 880].entries()) {
    const tone = new OscillatorNode(speaker, { frequency: pitch });
    const volume = new GainNode(speaker, { gain: 0.15 });
    tone.connect(volume).connect(speaker.destination);
    tone.start(speaker.currentTime + number * 0.2);
    tone.stop(speaker.currentTime + number * 0.2 + 0.15);
  }
}

function hear(tile, before) {
  const name = tile.dataset.calls;
  if (name && !before?.dataset.calls) {
    calling.textContent = `${calling.dataset.words} ${name}`;
    ring();
  }
}

function replace(sitting, html) {
  const fresh = parse(html);
  const old = tileOf(sitting);
  hear(fresh, old);
  if (!old) {
    wall.append(fresh);
    adopt(fresh);
    return;
  }
  // The picture stays the same element, so that it does not blink with every change of a word.
  const focused = old.contains(document.activeElement);
  const image = old.querySelector("[data-still]");
  fresh.querySelector("[data-still]").replaceWith(image);
  hideBlank(image);
  old.replaceWith(fresh);
  if (focused) {
    fresh.querySelector("a").focus({ preventScroll: true });
  }
}

function arrange(order) {
  const wanted = new Set(order.map(String));
  for (const tile of [...wall.children]) {
    if (!wanted.has(tile.dataset.sitting)) {
      const image = tile.querySelector("[data-still]");
      watcher.unobserve(image);
      inSight.delete(image);
      tile.remove();
    }
  }
  const focused = document.activeElement;
  order.forEach((sitting, place) => {
    const tile = tileOf(sitting);
    if (tile && wall.children[place] !== tile) {
      wall.insertBefore(tile, wall.children[place] ?? null);
    }
  });
  if (focused && wall.contains(focused) && document.activeElement !== focused) {
    focused.focus({ preventScroll: true });
  }
  empty.hidden = order.length > 0;
}

for (const tile of wall.children) {
  adopt(tile);
}

sound.hidden = false;
sound.addEventListener("click", () => {
  const on = speaker === null;
  if (on) {
    speaker = new AudioContext();
  } else {
    speaker.close();
    speaker = null;
  }
  sound.setAttribute("aria-pressed", String(on));
  ring();
});

listen(
  wall.dataset.wall,
  {
    wall({ order, tiles }) {
      for (const [sitting, html] of Object.entries(tiles)) {
        replace(sitting, html);
      }
      arrange(order);
    },
  },
  shower(),
);

setInterval(() => {
  if (document.visibilityState === "visible") {
    inSight.forEach(refresh);
  }
}, STILLS_MS);
