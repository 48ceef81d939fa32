// The way to the server: a socket, or requests where a proxy lets none through. Connects, keeps alive, connects again.
// What is said over it is the business of others.

import { Courier } from "./courier.js";
import { ExamSocket } from "./socket.js";

const PING_EVERY = 5_000;
const OPEN_WITHIN = 10_000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;
/** After so many sockets in a row that did not open while pages are served it goes on by requests. */
const BLOCKED_AFTER = 3;
const SOCKET_AGAIN = 60_000;
const OPEN_AGAIN_WITHIN = 4_000;

/** Close codes after which connecting again by itself would be wrong. */
const FINAL = { 4001: "taken", 4400: "unreadable", 4401: "signin", 4404: "absent", 4409: "refused" };

export class Link {
  /**
   * told.message(message): what the server says, pongs left out.
   * told.changed(): `state` is new: connecting, live, down, or one of FINAL; `reason` as the server closed;
   * `slow` is true while it goes by requests.
   */
  constructor({ sitting, stream, token, clock, told }) {
    this.path = `/ws/sittings/${sitting}?stream=${stream}`;
    this.clock = clock;
    this.told = told;
    this.state = "connecting";
    this.reason = "";
    this.slow = false;
    this._socket = null;
    this._failures = 0;
    this._blocked = 0;
    this._retry = 0;
    this._probe = 0;
    this._epoch = 0;
    this._stopped = false;
    this._courier = new Courier({
      path: `/exam/${sitting}/edits`,
      stream,
      token,
      told: {
        message: (message) => this._take(message),
        lost: () => this._lost(),
        final: (state, reason) => this._finish(state, reason),
      },
    });
  }

  start() {
    window.addEventListener("online", () => this._hurry());
    // A socket would find out only after a while.
    window.addEventListener("offline", () => this._lost());
    document.addEventListener("visibilitychange", () => this._wake());
    setInterval(() => document.visibilityState === "visible" && this._socket?.beat(), PING_EVERY);
    this._connect();
  }

  /** Take the sitting back from another window, or try again after signing in. */
  restart() {
    this._failures = 0;
    this._epoch = 0;
    this._stopped = false;
    this._change("connecting");
    this._connect();
  }

  stop() {
    this._stopped = true;
    this._drop();
  }

  /** Another window of this browser has the sitting now. */
  yield() {
    if (!this._stopped) {
      this._finish("taken");
    }
  }

  send(message) {
    if (this.slow) {
      this._courier.send(message);
    } else {
      this._socket?.send(message);
    }
  }

  _connect() {
    this._drop();
    if (this._stopped) {
      return;
    }
    if (this.slow) {
      this._courier.start(this._epoch);
      this._probeLater();
    } else {
      this._dial(OPEN_WITHIN);
    }
  }

  _dial(within) {
    this._socket = new ExamSocket({
      path: this.path,
      within,
      told: {
        message: (message) => this._hear(message),
        over: (...how) => this._over(...how),
      },
    });
  }

  _hear(message) {
    if (message.type === "snapshot") {
      this._blocked = 0;
      if (this.slow) {
        this.slow = false;
        clearTimeout(this._probe);
        this._courier.stop();
        this.told.changed();
      }
    }
    this._take(message);
  }

  _take(message) {
    if (message.type === "pong") {
      this.clock.sample(message.sent, performance.now(), message.now);
      return;
    }
    if (message.now) {
      this.clock.hint(message.now);
    }
    if (message.type === "taken_over") {
      this._finish("taken");
      return;
    }
    this._epoch = message.epoch ?? this._epoch;
    if (message.type === "snapshot") {
      this._failures = 0;
      this._change("live");
    }
    this.told.message(message);
  }

  /** A socket is over, or never was. */
  _over(code, opened, reason) {
    this._socket = null;
    if (FINAL[code]) {
      this._finish(FINAL[code], reason);
    } else if (this.slow) {
      this._courier.resume(); // it was only tried
      this._probeLater();
    } else {
      this._lost();
      if (!opened) {
        this._suspect();
      }
    }
  }

  /** Does something let pages through and no sockets? */
  async _suspect() {
    const hang = new AbortController();
    const tooLong = setTimeout(() => hang.abort(), OPEN_WITHIN);
    const served = await fetch("/health", { cache: "no-store", signal: hang.signal }).then(
      (answer) => answer.ok,
      () => false,
    );
    clearTimeout(tooLong);
    this._blocked = served ? this._blocked + 1 : 0;
    if (this._blocked >= BLOCKED_AFTER && this.state === "down" && !this.slow) {
      this.slow = true;
      this._connect();
    }
  }

  _probeLater() {
    clearTimeout(this._probe);
    this._probe = setTimeout(() => this._tryAgain(), SOCKET_AGAIN);
  }

  /** By requests it stays for as long as no socket gets through. */
  async _tryAgain() {
    await this._courier.pause();
    if (this.slow && this.state === "live" && this._socket === null) {
      this._dial(OPEN_AGAIN_WITHIN);
    }
  }

  _finish(state, reason = "") {
    this._stopped = true;
    this._drop();
    this._change(state, reason);
  }

  _lost() {
    if (this._stopped) {
      return;
    }
    this._drop();
    this._change("down");
    const most = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this._failures++);
    this._retry = setTimeout(() => this._connect(), Math.random() * most);
  }

  _hurry() {
    if (!this._stopped && this.state === "down") {
      this._failures = 0;
      this._connect();
    }
  }

  _wake() {
    if (document.visibilityState !== "visible" || this._stopped) {
      return;
    }
    if (this._socket?.open) {
      this._socket.wake();
    } else {
      this._hurry();
    }
  }

  _drop() {
    clearTimeout(this._retry);
    clearTimeout(this._probe);
    this._courier.stop();
    this._socket?.close();
    this._socket = null;
  }

  _change(state, reason = "") {
    if (state !== this.state || reason !== this.reason) {
      this.state = state;
      this.reason = reason;
      this.told.changed();
    }
  }
}
