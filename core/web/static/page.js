// What every page with a header can do: choose a theme, open dialogs, send the CSRF token with htmx.

const YEAR_SECONDS = 31_536_000;
const root = document.documentElement;

function chooseTheme(name) {
  if (name) {
    root.dataset.theme = name;
  } else {
    delete root.dataset.theme;
  }
  const age = name ? YEAR_SECONDS : 0;
  document.cookie = `theme=${name}; path=/; max-age=${age}; samesite=lax`;
}

function offerThemes() {
  const choice = document.querySelector("[data-theme-choice]");
  if (!choice) {
    return;
  }
  choice.hidden = false;
  const select = choice.querySelector("select");
  select.value = root.dataset.theme ?? "";
  select.addEventListener("change", () => chooseTheme(select.value));
}

function openDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) {
      document.getElementById(opener.dataset.opens)?.showModal();
    }
  });
}

function sendTokenWithHtmx() {
  const token = document.querySelector('meta[name="csrf-token"]')?.content;
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRF-Token"] = token ?? "";
  });
}

function tellWhenUnreachable() {
  const region = document.getElementById("problem");
  const words = document.getElementById("unreachable");
  if (!region || !words) {
    return;
  }
  document.addEventListener("htmx:sendError", () => region.replaceChildren(words.content.cloneNode(true)));
  document.addEventListener("htmx:beforeSend", () => region.replaceChildren());
}

offerThemes();
openDialogs();
sendTokenWithHtmx();
tellWhenUnreachable();
