// The technical check: each thing is tried for real, and tells a number or the one thing to do about it.

import { cameraTrouble, openLens } from "./lens.js";
import { tryStorage } from "./store.js";

export const DOWNLOAD_NEEDED = 5;
export const UPLOAD_NEEDED = 1;
export const LATENCY_FINE = 500;
export const DARK = 35;
export const SMALLEST_CAMERA = { width: 320, height: 240 };
export const SMALL_SCREEN = 360;

const SIZES = [65_536, 262_144, 1_048_576, 4_000_000];
const LONG_ENOUGH = 600;
const GIVE_UP = 15_000;
const ECHOES = 7;
const ECHO_WITHIN = 5_000;

/** Each check answers { state: ok | warn | bad, value, advice (a key), reading }. */

export async function checkCamera() {
  try {
    const lens = await openLens();
    const reading = { width: lens.width, height: lens.height, label: lens.label };
    const small = lens.width < SMALLEST_CAMERA.width || lens.height < SMALLEST_CAMERA.height;
    await new Promise((resolve) => setTimeout(resolve, 600)); // cameras open dark and then adjust
    const dark = lens.brightness() < DARK;
    return {
      lens,
      reading,
      state: small ? "bad" : dark ? "warn" : "ok",
      value: ["pixels", reading],
      advice: small ? "cameraSmall" : dark ? "cameraDark" : "",
    };
  } catch (error) {
    return { lens: null, reading: { width: 0, height: 0, label: "" }, state: "bad", advice: cameraTrouble(error) };
  }
}

export async function checkDownload() {
  const mbit = await measure((size, signal) => download(size, signal));
  return judgeSpeed(mbit, DOWNLOAD_NEEDED, "slowDown");
}

export async function checkUpload(token) {
  const mbit = await measure((size, signal) => upload(size, token, signal));
  return judgeSpeed(mbit, UPLOAD_NEEDED, "slowUp");
}

export async function checkSocket() {
  try {
    const trips = await echo();
    const middle = trips.sort((one, other) => one - other)[Math.floor(trips.length / 2)];
    const slow = middle > LATENCY_FINE;
    return {
      reading: { websocket: true, latency_ms: middle },
      state: slow ? "warn" : "ok",
      value: ["milliseconds", middle],
      advice: slow ? "slowEcho" : "",
    };
  } catch {
    return { reading: { websocket: false, latency_ms: 0 }, state: "bad", advice: "noSocket" };
  }
}

export async function checkScreen() {
  const reading = { width: Math.round(screen.width), height: Math.round(screen.height) };
  const small = Math.min(reading.width, reading.height) < SMALL_SCREEN;
  return { reading, state: small ? "warn" : "ok", value: ["pixels", reading], advice: small ? "smallScreen" : "" };
}

export async function checkStorage() {
  const kept = await tryStorage();
  return { reading: kept, state: kept ? "ok" : "bad", advice: kept ? "" : "noStorage" };
}

export async function checkSecure() {
  const safe = window.isSecureContext;
  return { reading: safe, state: safe ? "ok" : "bad", advice: safe ? "" : "insecure" };
}

export async function checkBrowser() {
  const able = "inert" in HTMLElement.prototype && "showModal" in HTMLDialogElement.prototype && CSS.supports("selector(:has(a))");
  return { reading: able, state: able ? "ok" : "warn", advice: able ? "" : "oldBrowser" };
}

function judgeSpeed(mbit, needed, advice) {
  if (mbit === null) {
    return { reading: 0, state: "bad", advice: "noNetwork" };
  }
  const slow = mbit < needed;
  return { reading: mbit, state: slow ? "warn" : "ok", value: ["mbit", mbit], advice: slow ? advice : "" };
}

/** Megabits a second: ever larger samples until one takes long enough to be believed. Null without network. */
async function measure(move) {
  const stop = AbortSignal.timeout ? AbortSignal.timeout(GIVE_UP) : undefined;
  let best = null;
  try {
    for (const size of SIZES) {
      const begun = performance.now();
      await move(size, stop);
      const spent = Math.max(1, performance.now() - begun);
      best = Math.max(best ?? 0, (size * 8) / 1000 / spent);
      if (spent > LONG_ENOUGH) {
        break;
      }
    }
  } catch {
    return best;
  }
  return Math.min(best, 100_000);
}

async function download(size, signal) {
  const answer = await fetch(`/exam/sample/${size}`, { cache: "no-store", signal });
  if (!answer.ok) {
    throw new Error(`sample: ${answer.status}`);
  }
  await answer.arrayBuffer();
}

async function upload(size, token, signal) {
  const body = new Uint8Array(size);
  for (let from = 0; from < size; from += 65_536) {
    crypto.getRandomValues(body.subarray(from, Math.min(size, from + 65_536)));
  }
  const answer = await fetch("/exam/sample", {
    method: "POST",
    body,
    signal,
    headers: { "X-CSRF-Token": token, "Content-Type": "application/octet-stream", Accept: "application/json" },
  });
  if (!answer.ok) {
    throw new Error(`sample: ${answer.status}`);
  }
  await answer.arrayBuffer();
}

/** Round trips over a real WebSocket, ms. */
function echo() {
  return new Promise((resolve, reject) => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/echo`);
    const trips = [];
    let sent = 0;
    const fail = () => {
      clearTimeout(tooLong);
      socket.close();
      reject(new Error("no echo"));
    };
    const tooLong = setTimeout(fail, ECHO_WITHIN);
    const ask = () => {
      sent = performance.now();
      socket.send(String(trips.length));
    };
    socket.onopen = ask;
    socket.onerror = fail;
    socket.onmessage = () => {
      trips.push(performance.now() - sent);
      if (trips.length < ECHOES) {
        ask();
      } else {
        clearTimeout(tooLong);
        socket.close();
        resolve(trips);
      }
    };
  });
}
