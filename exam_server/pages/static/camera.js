// Pictures for the observation, over a socket of their own: its trouble never touches an answer.

import { cameraTrouble, openLens } from "./lens.js";

const FRAME = { long: 640, quality: 0.7, most: 150_000 };
/** More than this still waits in the socket: the line is slow, and a newer picture is worth more than an old one. */
const CROWDED = 200_000;
const FIRST_INTERVAL = 1_000;
const SHORTEST_INTERVAL = 200;
const LONGEST_PAUSE = 30_000;
const REOPEN_EVERY = 3_000;

export class Camera {
  /** told.changed(): `lens`, `trouble` (key of a sentence, or "") or `refusal` (the server's sentence) is new. */
  constructor({ path, told }) {
    this.path = path;
    this.told = told;
    this.lens = null;
    this.trouble = "";
    this.refusal = "";
    this._socket = null;
    this._failures = 0;
    this._interval = FIRST_INTERVAL;
    this._timer = 0;
    this._retry = 0;
    this._reopen = 0;
    this._stopped = true;
    this._opening = null;
  }

  /** Open the device; safe to call again. */
  open() {
    this._opening ??= this._open().finally(() => {
      this._opening = null;
    });
    return this._opening;
  }

  /** Begin to send pictures. */
  start() {
    if (this._stopped) {
      this._stopped = false;
      this._connect();
      this._timer = setTimeout(() => this._tick(), this._interval);
    }
  }

  /** Hand back the device and hang up. */
  stop() {
    this._stopped = true;
    clearTimeout(this._timer);
    clearTimeout(this._retry);
    clearTimeout(this._reopen);
    this._socket?.close();
    this._socket = null;
    this.lens?.close();
    this.lens = null;
  }

  /** Tell of something that happened to the window. Dropped while the line is down: its return says what is so then. */
  tell(kind) {
    if (this._socket?.readyState === WebSocket.OPEN) {
      this._socket.send(JSON.stringify({ type: "window", kind }));
    }
  }

  async _open() {
    if (this.lens) {
      return;
    }
    clearTimeout(this._reopen);
    const lost = this.trouble !== "";
    try {
      this.lens = await openLens();
      this.lens.onlost = () => this._lost();
      this.trouble = "";
      if (lost) {
        this.tell("camera_back");
      }
    } catch (error) {
      this.trouble = cameraTrouble(error);
      this._reopenSoon();
    }
    this.told.changed();
  }

  _lost() {
    this.lens?.close();
    this.lens = null;
    this.trouble = "cameraLost";
    this.tell("camera_lost");
    this.told.changed();
    this._reopenSoon();
  }

  _reopenSoon() {
    clearTimeout(this._reopen);
    if (!this._stopped && this.trouble !== "cameraDenied") {
      this._reopen = setTimeout(() => this.open(), REOPEN_EVERY);
    }
  }

  _connect() {
    if (this._stopped) {
      return;
    }
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
    this._socket = socket;
    socket.onopen = () => {
      if (document.visibilityState === "hidden") {
        this.tell("tab_hidden");
      }
      if (this.trouble) {
        this.tell("camera_lost");
      }
    };
    socket.onmessage = (event) => socket === this._socket && this._hear(JSON.parse(event.data));
    socket.onclose = () => socket === this._socket && this._again();
  }

  _again() {
    this._socket = null;
    const most = Math.min(LONGEST_PAUSE, 1_000 * 2 ** this._failures++);
    clearTimeout(this._retry);
    this._retry = setTimeout(() => this._connect(), most / 2 + (Math.random() * most) / 2);
  }

  _hear(message) {
    this._failures = 0;
    if (message.type === "rate") {
      this._interval = Math.max(SHORTEST_INTERVAL, message.interval_ms);
    } else if (message.type === "refused") {
      this._say(message.message);
    } else if (message.type === "closed") {
      this.stop();
      this.told.changed();
    }
  }

  _say(refusal) {
    if (refusal !== this.refusal) {
      this.refusal = refusal;
      this.told.changed();
    }
  }

  async _tick() {
    const begun = performance.now();
    try {
      await this._sendPicture();
    } finally {
      if (!this._stopped) {
        const spent = performance.now() - begun;
        this._timer = setTimeout(() => this._tick(), Math.max(50, this._interval - spent));
      }
    }
  }

  async _sendPicture() {
    const socket = this._socket;
    if (!this.lens || socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > CROWDED) {
      return;
    }
    const picture = await this.lens.take(FRAME);
    if (picture && socket.readyState === WebSocket.OPEN) {
      socket.send(picture);
      this._say("");
    }
  }
}
