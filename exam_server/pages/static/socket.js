// One WebSocket of the exam page, from its opening to its end. It says itself when the other side has fallen silent.

const PONG_WITHIN = 10_000;

export class ExamSocket {
  /**
   * told.message(message): what the server says.
   * told.over(code, opened, reason): it has ended by itself, or did not open `within` ms; nothing comes after it.
   */
  constructor({ path, within, told }) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.told = told;
    this._opened = false;
    this._heard = performance.now();
    this._socket = new WebSocket(`${scheme}://${location.host}${path}`);
    this._tooLong = setTimeout(() => this._end(0), within);
    this._socket.onopen = () => {
      clearTimeout(this._tooLong);
      this._opened = true;
      this.ping();
    };
    this._socket.onmessage = (event) => {
      this._heard = performance.now();
      this.told.message(JSON.parse(event.data));
    };
    this._socket.onclose = (event) => this._end(event.code, event.reason);
  }

  get open() {
    return this._socket.readyState === WebSocket.OPEN;
  }

  send(message) {
    if (this.open) {
      this._socket.send(JSON.stringify(message));
    }
  }

  ping() {
    this.send({ type: "ping", sent: performance.now() });
  }

  /** Ask whether the other side is there, unless it has been silent for too long already. */
  beat() {
    if (this.open && performance.now() - this._heard > PONG_WITHIN) {
      this._end(0);
    } else {
      this.ping();
    }
  }

  /** The machine slept: what was not heard meanwhile proves nothing. */
  wake() {
    this._heard = performance.now();
    this.ping();
  }

  close() {
    clearTimeout(this._tooLong);
    this._socket.onopen = this._socket.onmessage = this._socket.onclose = null;
    this._socket.close();
  }

  _end(code, reason = "") {
    this.close();
    this.told.over(code, this._opened, reason);
  }
}
