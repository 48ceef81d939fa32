// What the camera sees, small, where the candidate wants it, or out of sight. It never lies over a control.

import { html, useEffect, useRef } from "../core/vendor/preact-htm.js";
import { Icon, useExam } from "./pieces.js";

export function Picture({ stream, label }) {
  const video = useRef();
  useEffect(() => {
    video.current.srcObject = stream;
    if (stream) {
      video.current.play().catch(() => {});
    }
  }, [stream]);
  return html`<video class="preview__picture" ref=${video} muted playsinline aria-label=${label}></video>`;
}

/** `docks` are the places it can move to from here; with one, there is nowhere to move. */
export function Preview({ docks }) {
  const { model, act, say } = useExam();
  const { camera } = model;
  if (!model.watched) {
    return null;
  }
  const next = docks[(docks.indexOf(model.dock) + 1) % docks.length];
  return html`
    <section class="preview" aria-label=${say("camera")}>
      ${camera.stream
        ? html`<${Picture} stream=${camera.stream} label=${say("cameraPreview")} />`
        : html`<div class="preview__off"><${Icon} name="camera-off" /><span>${say("cameraOff")}</span></div>`}
      <div class="preview__tools">
        ${docks.length > 1 && html`
          <button class="btn btn--quiet btn--small" type="button" onClick=${() => act.setDock(next)}>${say("cameraMove")}</button>
        `}
        <button class="btn btn--quiet btn--small" type="button" aria-label=${say("cameraHide")} onClick=${() => act.setDock("hidden")}>
          <${Icon} name="eye-off" />
        </button>
      </div>
    </section>
  `;
}
