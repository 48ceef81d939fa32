// Ticking many rows of the protocol desk at once.

const form = document.querySelector("[data-choose]");

if (form) {
  const boxes = [...form.querySelectorAll('input[name="sitting"]')];
  const chosen = form.querySelector("[data-chosen]");
  const count = () => {
    if (chosen) {
      chosen.textContent = String(boxes.filter((box) => box.checked).length);
    }
  };
  const tick = (wanted) => {
    for (const box of boxes) {
      box.checked = wanted(box);
    }
    count();
  };
  for (const hidden of form.querySelectorAll("[data-needs-script]")) {
    hidden.hidden = false;
  }
  form.querySelector("[data-choose-clean]")?.addEventListener("click", () => tick((box) => "clean" in box.dataset));
  form.querySelector("[data-choose-none]")?.addEventListener("click", () => tick(() => false));
  form.addEventListener("change", count);
  count();
}
