// What the candidate can do: each act changes what the page shows of itself, or puts an edit into the queue.

import { entryOf, hasNextSection, isBetween, neighbour } from "./state.js";

/**
 * `ui`: what the page shows of itself. `seen()`: the sitting with unconfirmed edits laid over. `overdue()`: the time of
 * what is on screen is up. `draw()` after every act.
 */
export function makeActs({ ui, seen, overdue, queue, link, camera, preferences, draw }) {
  const change = (work) => (...values) => {
    work(...values);
    draw();
  };
  const close = () => {
    ui.dialog = null;
  };
  const closing = (work) => change((...values) => {
    close();
    work(...values);
  });
  const show = (position) => queue.add({ type: "show", position });

  return {
    respond: change((stage, value) => {
      const { item, moving, epoch } = seen();
      if (item && !item.closed && !moving && !overdue()) {
        ui.stepEmpty = false;
        queue.add({ type: "respond", position: item.position, stage, value, epoch });
      }
    }),
    flag: change((on) => queue.add({ type: "flag", position: seen().item.position, on })),
    show: closing((position) => {
      ui.reviewing = false;
      if (position !== seen().item?.position) {
        show(position);
      }
    }),
    start: change(() => queue.add({ type: "start" })),
    submit: closing(() => queue.add({ type: "submit" })),
    lock: closing(() => {
      const { item } = seen();
      queue.add({ type: "lock", position: item.position, stage: item.stage });
    }),
    leave: closing(() => {
      const view = seen();
      show(neighbour(view, view.item.position, 1));
    }),
    askLock: change(() => {
      const { item } = seen();
      ui.stepEmpty = !item.answers[item.stage]?.length;
      ui.dialog = ui.stepEmpty ? null : "lock";
    }),
    askFinish: change(() => {
      ui.dialog = hasNextSection(seen()) ? "section" : "finish";
    }),
    next: change(() => {
      const view = seen();
      const { item, navigation } = view;
      const open = neighbour(view, item.position, 1);
      if (navigation === "free") {
        if (open === null) {
          ui.reviewing = true;
        } else {
          show(open);
        }
      } else if (open === null) {
        ui.dialog = hasNextSection(view) ? "section" : "finish";
      } else if (item.content.kind === "case") {
        ui.dialog = "skip";
      } else if (!item.answers[0].length) {
        ui.dialog = "leave";
      } else {
        show(open);
      }
    }),
    /** In practice: lock the item, and see what it was about. */
    check: change(() => {
      const { item } = seen();
      ui.stepEmpty = !item.answers[item.stage]?.length;
      if (!ui.stepEmpty) {
        queue.add({ type: "lock", position: item.position, stage: item.stage });
      }
    }),
    /** From an explanation to the next item, or to what stands between two sections. */
    goOn: change(() => {
      const view = seen();
      ui.reviewing = false;
      if (isBetween(view)) {
        ui.read = view.explained;
      } else {
        show(neighbour(view, view.explained, 1) ?? entryOf(view));
      }
    }),
    previous: change(() => {
      const view = seen();
      const open = neighbour(view, view.item.position, -1);
      if (open !== null) {
        show(open);
      }
    }),
    review: change(() => {
      ui.reviewing = true;
    }),
    leaveReview: change(() => {
      ui.reviewing = false;
    }),
    closeSection: closing(() => {
      ui.reviewing = false;
      queue.add({ type: "close_section", section: seen().section.number });
    }),
    beginSection: change(() => show(entryOf(seen()))),
    takeBreak: closing(() => {
      ui.reviewing = false;
      queue.add({ type: "take_break" });
    }),
    endBreak: change(() => queue.add({ type: "end_break" })),
    read: change((notice) => queue.add({ type: "read", notice })),
    callHelp: closing((text) => queue.add({ type: "help", text })),
    remark: closing((text) => queue.add({ type: "remark", position: seen().item.position, text })),
    open: change((name) => {
      ui.dialog = name;
    }),
    close: change(close),
    dismiss: change((id) => {
      ui.notices = ui.notices.filter((one) => one.id !== id);
    }),
    setDock: change((name) => {
      ui.dock = name;
      preferences.set("dock", name);
    }),
    setKeys: change((on) => {
      ui.keys = on;
      preferences.set("keys", on ? "on" : "off");
    }),
    announce: change((text) => {
      ui.announcement = text;
    }),
    signIn: change(() => {
      ui.leaving = true;
    }),
    openCamera: change(() => camera.open()),
    restart: change(() => link.restart()),
  };
}
