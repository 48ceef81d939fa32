// The review room by keyboard: j and k walk the incidents, c and d choose a verdict, Ctrl+Enter saves.

const cases = [...document.querySelectorAll("[data-case]")];
let present = cases.findIndex((one) => `#${one.id}` === location.hash);

function go(step) {
  if (cases.length === 0) {
    return;
  }
  present = Math.min(Math.max(present + step, 0), cases.length - 1);
  cases[present].focus({ preventScroll: true });
  cases[present].scrollIntoView({ block: "start" });
}

function choose(verdict) {
  const here = cases[Math.max(present, 0)];
  const form = here?.querySelector("form");
  if (!form) {
    return;
  }
  form.closest("details").open = true;
  form.querySelector(`input[value="${verdict}"]`).checked = true;
  form.querySelector("textarea").focus();
}

document.addEventListener("focusin", (event) => {
  const here = cases.findIndex((one) => one.contains(event.target));
  present = here >= 0 ? here : present;
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("textarea, select, input:not([type=radio])");
  if (typing) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.target.form?.requestSubmit();
    } else if (event.key === "Escape") {
      event.target.closest("[data-case]")?.focus();
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  // The place of the key, so that a Russian layout works as well.
  const action = { KeyJ: () => go(1), KeyK: () => go(-1), KeyC: () => choose("confirmed"), KeyD: () => choose("dismissed") };
  if (action[event.code]) {
    event.preventDefault();
    action[event.code]();
  }
});
