// Shortcut keys: 1 to 9, arrows, Enter, F. They can be turned off, and never work inside a window or a control.

const OWN_ENTER = "a, button, summary, select, textarea, dialog";
const ARROWS = ["ArrowDown", "ArrowUp"];

/** Practice checks an answer before it goes on. */
const checks = ({ explanations, item }) => explanations === "item" && item.answers[0].length > 0;

/** `now()` gives the model with `act` whenever a key is pressed. */
export function listen(now) {
  document.addEventListener("keydown", (event) => {
    const { act, dialog, keys, offline, reviewing, timeUp, view } = now();
    const plain = !event.altKey && !event.ctrlKey && !event.metaKey && !event.defaultPrevented && !event.target.closest?.("dialog");
    if (!plain || !keys || dialog || reviewing || !view.item || view.status !== "running" || view.moving) {
      return;
    }
    const stage = document.querySelector(".stage:last-of-type");
    if (/^[1-9]$/.test(event.key) && !event.shiftKey) {
      const input = stage?.querySelectorAll(".choice__mark")[Number(event.key) - 1];
      if (input && !timeUp) {
        event.preventDefault();
        input.focus();
        input.click();
      }
    } else if (ARROWS.includes(event.key) && !event.target.closest("input, [tabindex='0'], " + OWN_ENTER)) {
      const input = stage?.querySelector(".choice__mark:checked") ?? stage?.querySelector(".choice__mark");
      if (input) {
        event.preventDefault();
        input.focus();
      }
    } else if (event.key === "Enter" && !event.repeat && !event.target.closest(OWN_ENTER)) {
      event.preventDefault();
      if (!offline && !timeUp) {
        (view.item.content.kind === "case" ? act.askLock : checks(view) ? act.check : act.next)();
      }
    } else if (event.code === "KeyF" && view.flags && !event.repeat) {
      event.preventDefault();
      act.flag(!view.marks[view.item.position].flagged);
    }
  });
}
