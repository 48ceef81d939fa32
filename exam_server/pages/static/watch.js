// What happens to the window while the exam runs: told as it is, judged by nobody here.

/** Calls `tell(kind)` for every event until the returned function is called. */
export function watchWindow(tell) {
  const stop = new AbortController();
  const on = (target, name, work) => target.addEventListener(name, work, { signal: stop.signal });
  let wide = Boolean(document.fullscreenElement);

  on(document, "visibilitychange", () => tell(document.visibilityState === "hidden" ? "tab_hidden" : "tab_shown"));
  on(window, "blur", () => tell("blur"));
  on(window, "focus", () => tell("focus"));
  on(document, "paste", () => tell("paste"));
  on(document, "copy", () => tell("copy"));
  on(document, "fullscreenchange", () => {
    const now = Boolean(document.fullscreenElement);
    if (now !== wide) {
      tell(now ? "fullscreen_entered" : "fullscreen_left");
    }
    wide = now;
  });
  return () => stop.abort();
}

/** Keep the screen from going dark while the page is looked at. A browser that can't simply does not. */
export function keepAwake() {
  const ask = async () => {
    if (document.visibilityState === "visible") {
      await navigator.wakeLock?.request("screen").catch(() => {});
    }
  };
  document.addEventListener("visibilitychange", ask);
  return ask();
}
