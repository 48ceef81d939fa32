// The exam socket: connects, keeps alive, connects again. What is said over it is the business of others.

const PING_EVERY = 5_000;
const PONG_WITHIN = 10_000;
const OPEN_WITHIN = 10_000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;

/** Close codes after which connecting again by itself would be wrong. */
const FINAL = { 4001: "taken", 4400: "unreadable", 4401: "signin", 4404: "absent", 4409: "refused" };

export class Link {
  /**
   * told.message(message): what the server says, pongs left out.
   * told.changed(): `state` is new: connecting, live, down, or one of FINAL; `reason` as the server closed.
   */
  constructor({ path, clock, told }) {
    this.path = path;
    this.clock = clock;
    this.told = told;
    this.state = "connecting";
    this.reason = "";
    this._socket = null;
    this._failures = 0;
    this._retry = 0;
    this._heard = 0;
    this._stopped = false;
  }

  start() {
    window.addEventListener("online", () => this._hurry());
    window.addEventListener("offline", () => this._lose());
    document.addEventListener("visibilitychange", () => this._wake());
    setInterval(() => this._beat(), PING_EVERY);
    this._connect();
  }

  /** Take the sitting back from another window, or try again after signing in. */
  restart() {
    this._failures = 0;
    this._stopped = false;
    this._drop();
    this._change("connecting");
    this._connect();
  }

  stop() {
    this._stopped = true;
    this._drop();
  }

  send(message) {
    if (this._socket?.readyState === WebSocket.OPEN) {
      this._socket.send(JSON.stringify(message));
    }
  }

  _connect() {
    clearTimeout(this._retry);
    this._drop();
    if (this._stopped) {
      return;
    }
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
    this._socket = socket;
    this._heard = performance.now();
    const tooLong = setTimeout(() => this._fail(socket), OPEN_WITHIN);
    socket.onopen = () => {
      clearTimeout(tooLong);
      this._ping();
    };
    socket.onmessage = (event) => socket === this._socket && this._hear(event.data);
    socket.onclose = (event) => {
      clearTimeout(tooLong);
      if (socket === this._socket) {
        this._closed(event);
      }
    };
  }

  _hear(data) {
    this._heard = performance.now();
    const message = JSON.parse(data);
    if (message.type === "pong") {
      this.clock.sample(message.sent, this._heard, message.now);
      return;
    }
    if (message.now) {
      this.clock.hint(message.now);
    }
    if (message.type === "taken_over") {
      this._finish("taken", "");
      return;
    }
    if (message.type === "snapshot") {
      this._failures = 0;
      this._change("live");
    }
    this.told.message(message);
  }

  _closed(event) {
    this._socket = null;
    const final = FINAL[event.code];
    if (final) {
      this._finish(final, event.reason);
    } else {
      this._lost();
    }
  }

  _finish(state, reason) {
    this._stopped = true;
    this._drop();
    this._change(state, reason);
  }

  _lost() {
    if (this._stopped) {
      return;
    }
    this._change("down");
    const most = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this._failures++);
    clearTimeout(this._retry);
    this._retry = setTimeout(() => this._connect(), 100 + Math.random() * most);
  }

  _fail(socket) {
    if (socket === this._socket) {
      this._drop();
      this._lost();
    }
  }

  /** The browser says that there is no network. A socket would find out only after a while. */
  _lose() {
    if (!this._stopped) {
      this._drop();
      this._lost();
    }
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
    if (this._socket?.readyState === WebSocket.OPEN) {
      this._heard = performance.now();
      this._ping();
    } else {
      this._hurry();
    }
  }

  _beat() {
    if (document.visibilityState !== "visible" || this._socket?.readyState !== WebSocket.OPEN) {
      return;
    }
    if (performance.now() - this._heard > PONG_WITHIN) {
      this._fail(this._socket);
    } else {
      this._ping();
    }
  }

  _ping() {
    this.send({ type: "ping", sent: performance.now() });
  }

  _drop() {
    const socket = this._socket;
    this._socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = socket.onopen = null;
      socket.close();
    }
  }

  _change(state, reason = "") {
    if (state !== this.state || reason !== this.reason) {
      this.state = state;
      this.reason = reason;
      this.told.changed();
    }
  }
}
