// The keys of the editor. Places of keys count, not letters: a Russian layout works as well.

export function listen({ save, choose, help }) {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) {
      return;
    }
    const control = event.ctrlKey || event.metaKey;
    if (control && event.code === "KeyS" && !event.altKey) {
      event.preventDefault();
      save(false);
    } else if (control && event.key === "Enter") {
      event.preventDefault();
      save(true);
    } else if (event.altKey && !control && /^Digit[1-9]$/.test(event.code)) {
      event.preventDefault();
      const inside = event.target.closest?.("[data-stage-form]");
      choose(Number(inside?.dataset.stageForm ?? 0), Number(event.code.at(-1)) - 1);
    } else if (event.key === "?" && !event.target.closest("input, textarea, select, [contenteditable]")) {
      help();
    }
  });
}
