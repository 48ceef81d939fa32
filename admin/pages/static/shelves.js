// Choosing many rows of the bank's list at once. The list is replaced as one types, so everything is asked of the page anew.

const boxes = () => [...document.querySelectorAll('#found input[name="item"]')];
let last = null;

function count() {
  for (const hidden of document.querySelectorAll("#found [data-needs-script]")) {
    hidden.hidden = false;
  }
  const chosen = document.querySelector("#found [data-chosen]");
  if (chosen) {
    chosen.textContent = String(boxes().filter((box) => box.checked).length);
  }
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-choose-all], [data-choose-none]")) {
    const wanted = Boolean(event.target.closest("[data-choose-all]"));
    for (const box of boxes()) {
      box.checked = wanted;
    }
    count();
    return;
  }
  if (event.target.matches?.('#found input[name="item"]')) {
    const all = boxes();
    const [here, there] = [all.indexOf(event.target), all.indexOf(last)];
    if (event.shiftKey && there >= 0) {
      for (const box of all.slice(Math.min(here, there), Math.max(here, there) + 1)) {
        box.checked = event.target.checked;
      }
    }
    last = event.target;
    count();
  }
});
document.addEventListener("htmx:afterSettle", count);
count();
