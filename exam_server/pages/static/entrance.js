// The way in: technical check, consents, identity. One step is on the page; the server says which.

import { Camera } from "./camera.js";
import * as checks from "./checks.js";
import { words } from "./entrance_words.js";
import { cameraTrouble, openLens } from "./lens.js";
import { numberText, speaker } from "./words.js";

const data = JSON.parse(document.getElementById("entrance-data").textContent);
const token = document.querySelector('meta[name="csrf-token"]').content;
const say = speaker(words);
const $ = (id) => document.getElementById(id);
const here = `/exam/${data.sitting}`;
const POLL_EVERY = 3_000;
const REFERENCE = { long: 960, quality: 0.92, most: 190_000 };

// --- talking to the server ------------------------------------------------------------------------------

/** Post and return { ok, problem }: the problem has `detail` to show and `fields`. */
async function post(path, body, type) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      body,
      headers: { "X-CSRF-Token": token, "Content-Type": type, Accept: "application/json" },
    });
    if (answer.ok) {
      return { ok: true };
    }
    const problem = await answer.json();
    return { ok: false, problem: { fields: {}, ...problem, text: problem.detail ?? problem.message } };
  } catch {
    return { ok: false, problem: { fields: {}, text: say("unreachable") } };
  }
}

const postJson = (path, value) => post(path, JSON.stringify(value), "application/json");

function goOn() {
  location.assign(here);
}

function showTrouble(text) {
  const place = $("trouble");
  place.replaceChildren();
  if (text) {
    const banner = $("trouble-banner").content.cloneNode(true);
    banner.querySelector("p").textContent = text;
    place.append(banner);
    place.scrollIntoView({ block: "nearest" });
  }
}

// --- technical check ------------------------------------------------------------------------------------

const SIGNS = { ok: "✓", warn: "!", bad: "✕", running: "…", waiting: "" };

function runChecks() {
  let lens = null;
  let readings = null;
  const row = (name) => document.querySelector(`[data-check="${name}"]`);

  const draw = (name, { state, value, advice = "" }) => {
    const place = row(name);
    place.className = `check check--${state}`;
    place.querySelector("[data-advice]").textContent = state === "running" ? say("running") : advice;
    place.querySelector("[data-value]").textContent = value ?? "";
    const sign = place.querySelector("[data-sign]");
    sign.textContent = SIGNS[state];
    sign.title = state === "running" ? "" : say(state);
  };
  const show = (name, result) => {
    const { state, value, advice } = result;
    draw(name, { state, value: value && writeValue(...value), advice: advice && say(advice) });
    return result;
  };
  const run = async (name, check) => {
    draw(name, { state: "running" });
    return show(name, await check());
  };

  const picture = (opened) => {
    lens = opened;
    if (opened) {
      const video = document.createElement("video");
      video.muted = video.playsInline = true;
      video.srcObject = opened.stream;
      row("camera").querySelector(".check__picture").replaceChildren(video);
      video.play().catch(() => {});
    }
  };

  const all = async () => {
    readings = null;
    showTrouble("");
    lens?.close();
    $("check-go").disabled = $("check-again").disabled = true;
    const camera = run("camera", checks.checkCamera).then((result) => {
      picture(result.lens);
      return result;
    });
    const small = Promise.all([
      run("screen", checks.checkScreen),
      run("storage", checks.checkStorage),
      run("secure", checks.checkSecure),
      run("browser", checks.checkBrowser),
    ]);
    // One after the other: two measurements at once would share the line and both be wrong.
    const socket = await run("websocket", checks.checkSocket);
    const download = await run("download", checks.checkDownload);
    const upload = await run("upload", () => checks.checkUpload(token));
    const [screen, storage, secure, browser] = await small;
    const results = [await camera, socket, download, upload, screen, storage, secure, browser];
    readings = {
      camera: results[0].reading,
      screen: screen.reading,
      download_mbit: download.reading,
      upload_mbit: upload.reading,
      ...socket.reading,
      secure: secure.reading,
      storage: storage.reading,
    };
    const bad = results.some((result) => result.state === "bad");
    $("checks-status").textContent = say(bad ? "someBad" : "allGood");
    $("check-again").disabled = false;
    $("check-go").disabled = bad;
  };

  const send = async () => {
    $("check-go").setAttribute("aria-busy", "true");
    const { ok, problem } = await postJson(`${here}/check`, readings);
    if (ok) {
      goOn();
      return;
    }
    $("check-go").removeAttribute("aria-busy");
    showTrouble(problem.text);
    for (const [field, advice] of Object.entries(problem.fields)) {
      const name = field.replace(/_mbit$|_ms$/, "").replace("latency", "websocket");
      if (row(name)) {
        draw(name, { state: "bad", advice });
      }
    }
  };

  $("check-again").addEventListener("click", all);
  $("check-go").addEventListener("click", () => readings && send());
  all();
}

function writeValue(key, value) {
  return typeof value === "number"
    ? say(key, { value: numberText(value, value < 10 ? 1 : 0) })
    : say(key, { width: value.width, height: value.height });
}

// --- consents -------------------------------------------------------------------------------------------

function askConsent() {
  const form = $("consent");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = new FormData(form);
    const processing = given.get("processing") === "yes";
    const biometrics = given.get("biometrics");
    mark("processing", processing);
    mark("biometrics", biometrics !== null);
    form.querySelector('[aria-invalid="true"]')?.focus();
    if (!processing || biometrics === null) {
      return;
    }
    const button = form.querySelector("button");
    button.setAttribute("aria-busy", "true");
    const { ok, problem } = await postJson(`${here}/consent`, {
      version: data.version,
      processing,
      biometrics: biometrics === "yes",
    });
    if (ok) {
      goOn();
    } else {
      button.removeAttribute("aria-busy");
      showTrouble(problem.text);
    }
  });

  const mark = (name, fine) => {
    $(`${name}-error`).hidden = fine;
    for (const input of form.querySelectorAll(`[name="${name}"]`)) {
      input.setAttribute("aria-invalid", String(!fine));
      input.setAttribute("aria-describedby", fine ? "" : `${name}-error`);
    }
  };
}

// --- identity -------------------------------------------------------------------------------------------

async function takePicture() {
  const video = $("booth-video");
  const still = $("booth-still");
  const note = $("booth-note");
  let picture = null;
  note.textContent = say("openingCamera");
  let lens = null;
  try {
    lens = await openLens();
  } catch (error) {
    note.textContent = "";
    showTrouble(say(cameraTrouble(error)));
    return;
  }
  video.srcObject = lens.stream;
  await video.play().catch(() => {});

  const look = (taken) => {
    video.hidden = taken;
    still.hidden = !taken;
    $("booth").classList.toggle("booth--still", taken);
    $("take").hidden = taken;
    $("send").hidden = $("retake").hidden = !taken;
    note.textContent = say(taken ? "lookAtStill" : "lookHere");
  };
  $("take").disabled = false;
  look(false);

  $("take").addEventListener("click", async () => {
    picture = await lens.take(REFERENCE);
    if (!picture) {
      showTrouble(say("cameraFailed"));
      return;
    }
    showTrouble("");
    URL.revokeObjectURL(still.src);
    still.src = URL.createObjectURL(picture);
    look(true);
    $("send").focus();
  });
  $("retake").addEventListener("click", () => {
    look(false);
    $("take").focus();
  });
  $("send").addEventListener("click", async () => {
    note.textContent = say("sending");
    $("send").setAttribute("aria-busy", "true");
    const { ok, problem } = await post(`${here}/reference`, picture, "image/jpeg");
    $("send").removeAttribute("aria-busy");
    if (ok) {
      note.textContent = say("identityDone");
      goOn();
    } else if (problem.code === "too_many_pictures") {
      goOn(); // the page says what to do instead
    } else {
      look(false);
      showTrouble(problem.text);
      $("take").focus();
    }
  });
}

/** What the proctor wrote, as a banner. It is confirmed on the exam's own page, which shows it again. */
function quote(text) {
  const banner = $("said-banner").content.cloneNode(true);
  banner.querySelector("p:not(.banner__title)").textContent = text;
  return banner;
}

/** The passport way: the proctor sees the camera, the page asks whether it is settled and what the proctor wrote. */
function waitForPerson() {
  const video = $("booth-video");
  const note = $("booth-note");
  const changed = () => {
    if (camera.lens && video.srcObject !== camera.lens.stream) {
      video.srcObject = camera.lens.stream;
      video.play().catch(() => {});
    }
    showTrouble(camera.trouble ? say(camera.trouble === "cameraLost" ? "cameraFailed" : camera.trouble) : camera.refusal);
  };
  const camera = new Camera({ path: `/ws/camera/${data.sitting}`, told: { changed } });
  camera.start();
  camera.open();

  let said = [];
  const hear = (notices) => {
    if (notices.join("\n") !== said.join("\n")) {
      said = notices;
      $("said").replaceChildren(...notices.map(quote));
    }
  };
  const ask = async () => {
    try {
      const answer = await fetch(`${here}/entrance`, { headers: { Accept: "application/json" }, cache: "no-store" });
      const view = answer.ok ? await answer.json() : null;
      if (view?.admitted) {
        note.textContent = say("identityDone");
        goOn();
        return;
      }
      note.textContent = say(answer.ok ? "waitProctor" : "waitOffline");
      hear(view?.notices ?? said);
    } catch {
      note.textContent = say("waitOffline");
    }
    setTimeout(ask, POLL_EVERY);
  };
  ask();
}

function confirmIdentity() {
  if (!data.biometrics) {
    waitForPerson();
  } else if (data.pictures_left > 0) {
    takePicture();
  }
}

const steps = { check: runChecks, consent: askConsent, identity: confirmIdentity };
steps[data.step]();
