// A stream of server-sent events that comes back by itself, and the pictures of a camera that follow it.

const RETRY_MS = 4_000;
const SILENT_MS = 30_000;

/** Listens until the page is left. `handlers` are functions by event name; `show` is told "on" or "off". */
export function listen(address, handlers, show) {
  let source;
  let heard = 0;

  function open() {
    source = new EventSource(address);
    heard = performance.now();
    source.onopen = () => show("on");
    source.onerror = () => {
      show("off");
      if (source.readyState === EventSource.CLOSED) {
        // A refusal: the browser would not try again by itself.
        setTimeout(open, RETRY_MS);
      }
    };
    for (const [name, handle] of Object.entries({ beat: () => {}, away: () => show("off"), ...handlers })) {
      source.addEventListener(name, (event) => {
        heard = performance.now();
        if (name !== "away") {
          show("on");
        }
        handle(event.data ? JSON.parse(event.data) : null);
      });
    }
  }

  setInterval(() => {
    if (performance.now() - heard > SILENT_MS && source.readyState !== EventSource.CLOSED) {
      source.close();
      show("off");
      open();
    }
  }, RETRY_MS);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && open());
  open();
}

/** Says on the page whether it is live. */
export function shower() {
  const place = document.querySelector("[data-live]");
  return (state) => {
    if (place && place.dataset.live !== state) {
      place.dataset.live = state;
    }
  };
}

/** Asks for the newest picture; the old one stays until the new one is there, and goes when there is none. */
export async function refresh(image) {
  if (image.dataset.asking) {
    return;
  }
  image.dataset.asking = "1";
  try {
    const answer = await fetch(image.dataset.still, { cache: "no-store", headers: { accept: "image/jpeg" } });
    if (answer.status === 200) {
      const before = image.src;
      image.src = URL.createObjectURL(await answer.blob());
      await image.decode().catch(() => {});
      if (before.startsWith("blob:")) {
        URL.revokeObjectURL(before);
      }
      image.classList.remove("still--missing");
    } else {
      image.classList.add("still--missing");
    }
    hideBlank(image);
  } catch {
    // No connection: the page says so already.
  } finally {
    delete image.dataset.asking;
  }
}

/** A picture that could not be loaded gives way to the words behind it, and they to one that could. */
export function hideBroken(image) {
  image.addEventListener("error", () => {
    image.classList.add("still--missing");
    hideBlank(image);
  });
  image.addEventListener("load", () => hideBlank(image));
  if (image.complete && image.naturalWidth === 0) {
    image.classList.add("still--missing");
  }
  hideBlank(image);
}

/** The words behind a picture are hidden from screen readers too while there is a picture. */
export function hideBlank(image) {
  const blank = image.parentElement?.querySelector("[data-blank]");
  if (blank) {
    blank.hidden = image.naturalWidth > 0 && !image.classList.contains("still--missing");
  }
}
