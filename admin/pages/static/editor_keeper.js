// Keeps what is being typed: at once on this device, a moment later on the server; here only until it is there.

const PAUSE = 700;
const FIRST_RETRY = 2_000;
const LAST_RETRY = 30_000;

export class Keeper {
  /** `told()`: something about the state has changed. States: idle, typed, sending, offline, refused. */
  constructor({ address, token, key, told }) {
    this._address = address;
    this._token = token;
    this._key = key;
    this._told = told;
    this._waiting = null; // the letter that the server does not have
    this._sending = false;
    this._timer = null;
    this._retry = FIRST_RETRY;
    this.state = "idle";
    this.savedAt = null;
    this.problem = null;
    this.lasting = true;
    addEventListener("online", () => this._hurry());
  }

  /** What was left on this device, or null: { based_on, draft, enemies, at }. */
  left() {
    try {
      return JSON.parse(localStorage.getItem(this._key));
    } catch {
      return null;
    }
  }

  get unkept() {
    return this._waiting !== null || this._sending;
  }

  keep(letter) {
    this._waiting = letter;
    this._put(letter);
    this._set(this.state === "offline" ? "offline" : "typed");
    this._later(this.state === "offline" ? this._retry : PAUSE);
  }

  /** The text became a version, or was given up: nothing is to be kept any more. */
  forget() {
    this._waiting = null;
    this.savedAt = null;
    clearTimeout(this._timer);
    this._remove();
    this._set("idle");
  }

  /** On leaving the page: whatever has not been sent goes now. */
  flush() {
    if (this._waiting) {
      this._hurry();
    }
  }

  async drop() {
    this.forget();
    await fetch(this._address, { method: "DELETE", headers: { "X-CSRF-Token": this._token } });
  }

  _hurry() {
    clearTimeout(this._timer);
    this._send();
  }

  _later(pause) {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._send(), pause);
  }

  async _send() {
    if (this._sending || !this._waiting) {
      return;
    }
    const letter = this._waiting;
    this._sending = true;
    this._set(this.state === "offline" ? "offline" : "sending");
    let answer = null;
    try {
      answer = await fetch(this._address, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json", "X-CSRF-Token": this._token },
        body: JSON.stringify({ based_on: letter.based_on, draft: letter.draft }),
        keepalive: document.visibilityState === "hidden" && JSON.stringify(letter).length < 60_000,
      });
    } catch {
      // No connection: it is tried again.
    }
    this._sending = false;
    await this._read(answer, letter);
  }

  async _read(answer, letter) {
    if (answer?.ok) {
      this._retry = FIRST_RETRY;
      this.problem = null;
      this.savedAt = (await answer.json().catch(() => ({}))).saved_at ?? null;
      if (this._waiting === letter) {
        this._waiting = null;
        this._remove();
        this._set("idle");
      } else if (this._waiting) {
        this._set("typed");
        this._later(PAUSE);
      }
      return;
    }
    if (this._waiting === null) {
      return; // given up meanwhile
    }
    if (answer && answer.status < 500 && answer.status !== 429) {
      this.problem = { status: answer.status, ...(await answer.json().catch(() => ({}))) };
      this._set("refused");
      return;
    }
    this._set("offline");
    this._later(this._retry);
    this._retry = Math.min(this._retry * 2, LAST_RETRY);
  }

  _set(state) {
    this.state = state;
    this._told();
  }

  _put(letter) {
    try {
      localStorage.setItem(this._key, JSON.stringify({ ...letter, at: Date.now() }));
      this.lasting = true;
    } catch {
      this.lasting = false; // a browser that keeps nothing: the page asks before it is left
    }
  }

  _remove() {
    try {
      localStorage.removeItem(this._key);
    } catch {
      // It kept nothing.
    }
  }
}
