// Small parts that the screens are put together from.

import { createContext, html, useContext, useEffect, useLayoutEffect, useRef, useState } from "../core/vendor/preact-htm.js";
import { clockText, passed, thresholds, urgency } from "./clock.js";
import { spanText, typeset } from "./words.js";

/** { model, act, say }: what every part may look at. */
export const Exam = createContext(null);
export const useExam = () => useContext(Exam);

export function Icon({ name }) {
  const { model } = useExam();
  return html`<svg class="icon" aria-hidden="true"><use href=${`${model.data.icons}#${name}`} /></svg>`;
}

const BANNER_ICONS = { info: "info", ok: "circle-check", warn: "alert-triangle", danger: "circle-alert" };

export function Banner({ kind, title, children, role = "status" }) {
  return html`
    <div class=${`banner banner--${kind}`} role=${role}>
      <${Icon} name=${BANNER_ICONS[kind]} />
      <div class="banner__body">${title && html`<p class="banner__title">${title}</p>`}${children}</div>
    </div>
  `;
}

/** Text of an item: paragraphs as its author wrote them. Items are written in Russian, whatever the page speaks. */
export function Prose({ text, class: name = "" }) {
  const paragraphs = text.split(/\n+/).filter((one) => one.trim());
  return html`<div class=${`prose ${name}`} lang="ru">${paragraphs.map((one) => html`<p>${typeset(one)}</p>`)}</div>`;
}

/** A modal window. It opens when drawn; Escape and the cross call `onClose`. */
export function Dialog({ title, drawer = false, onClose, children }) {
  const { say } = useExam();
  const place = useRef();
  useLayoutEffect(() => {
    const dialog = place.current;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`
    <dialog ref=${place} class=${drawer ? "drawer" : "dialog"} aria-labelledby="dialog-title" onCancel=${cancel}>
      <div class="dialog__head">
        <h2 id="dialog-title">${title}</h2>
        <button class="btn btn--quiet" type="button" aria-label=${say("close")} onClick=${onClose}>
          <${Icon} name="x" />
        </button>
      </div>
      ${children}
    </dialog>
  `;
}

/** A question with two answers; the careful one comes first in the tab order. */
export function Question({ title, text, yes, no, danger = false, onYes, onNo }) {
  return html`
    <${Dialog} title=${title} onClose=${onNo}>
      <p>${text}</p>
      <div class="dialog__actions">
        <button class="btn btn--secondary" type="button" autofocus onClick=${onNo}>${no}</button>
        <button class=${`btn btn--${danger ? "danger" : "primary"}`} type="button" onClick=${onYes}>${yes}</button>
      </div>
    <//>
  `;
}

/** The server's time, drawn anew four times a second. */
export function useNow() {
  const { model } = useExam();
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((count) => count + 1), 250);
    return () => clearInterval(timer);
  }, []);
  return model.clock.now();
}

/**
 * Time left until a deadline; says each threshold aloud once, and nothing in between. Where the clocks stand (`since`),
 * or the deadline was moved, nothing is said: only time that runs passes a threshold.
 */
function useCountdown(deadline, limit, sentence, since = null) {
  const { act, say } = useExam();
  const now = useNow();
  const left = Math.max(0, deadline - (since ?? now));
  const before = useRef({ deadline, left });
  useEffect(() => {
    const last = before.current;
    before.current = { deadline, left };
    if (last.deadline !== deadline || since !== null) {
      return;
    }
    const threshold = passed(last.left, left, thresholds(limit));
    if (threshold !== null) {
      act.announce(say(sentence, { left: spanText(threshold) }));
    }
  });
  return { left, level: since === null ? urgency(left, limit) : "" };
}

export function ExamClock() {
  const { model, say } = useExam();
  const { deadline, halt } = model.view;
  const { left, level } = useCountdown(deadline, model.data.exam_limit, "examThreshold", halt?.since);
  return html`
    <span class=${`clock exam-clock ${level && `clock--${level}`}`} role="timer" aria-live="off">
      <${Icon} name=${halt ? "pause" : "clock"} />
      <span class="visually-hidden">${say(halt ? "examStands" : "examLeft")}:</span>
      ${clockText(left)}
    </span>
  `;
}

/** The clock of a section that has a limit of its own. */
export function SectionClock({ deadline, limit }) {
  const { say } = useExam();
  const { left, level } = useCountdown(deadline, limit, "sectionThreshold");
  return html`
    <span class=${`clock ${level && `clock--${level}`}`} role="timer" aria-live="off">
      <span class="visually-hidden">${say("sectionLeft")}:</span>
      ${clockText(left)}
    </span>
  `;
}

/** A countdown that is looked at and not spoken. */
export function Countdown({ until, sentence }) {
  const { say } = useExam();
  const left = Math.max(0, until - useNow());
  return html`
    <p class="countdown" role="timer" aria-live="off">
      <span class="note">${say(sentence)}</span>
      <span class="clock countdown__time">${clockText(left)}</span>
    </p>
  `;
}

export function ItemClock({ item }) {
  const { say } = useExam();
  const { left, level } = useCountdown(item.deadline, item.limit, "itemThreshold");
  const width = Math.min(left, item.limit);
  return html`
    <div class="item-clock">
      <progress class=${`bar ${level && `bar--${level}`}`} value=${width} max=${item.limit} aria-hidden="true"></progress>
      <span class=${`clock ${level && `clock--${level}`}`} role="timer" aria-live="off">
        <span class="visually-hidden">${say("itemLeft")}:</span>
        ${clockText(left)}
      </span>
    </div>
  `;
}

/** A screen of its own in place of an item; its heading takes the focus. */
export function Screen({ title, children, icon, wide = false }) {
  const heading = useRef();
  useEffect(() => heading.current.focus(), []);
  return html`
    <section class=${`screen stack ${wide ? "screen--wide" : ""}`}>
      ${icon && html`<span class="screen__icon"><${Icon} name=${icon} /></span>`}
      <h1 tabindex="-1" ref=${heading}>${title}</h1>
      ${children}
    </section>
  `;
}

/** A button that stays reachable where it can't be used now. */
export function Button({ kind, off = false, onPress, children, ...rest }) {
  return html`
    <button class=${`btn btn--${kind}`} type="button" aria-disabled=${String(off)} onClick=${() => !off && onPress()} ...${rest}>
      ${children}
    </button>
  `;
}

/** What people wrote, as they wrote it. */
export function Quote({ from, text }) {
  return html`
    <figure class="quote">
      <figcaption class="note">${from}</figcaption>
      <blockquote lang="ru">${text}</blockquote>
    </figure>
  `;
}
