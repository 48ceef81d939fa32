// The camera of this device: opens it, notices when it goes away, takes pictures.

const WANTED = { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user", frameRate: { ideal: 15, max: 30 } };
const READY_WITHIN = 10_000;

/** Why a camera could not be opened: the key of the sentence that says what to do. */
export function cameraTrouble(error) {
  switch (error?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return "cameraDenied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "cameraMissing";
    case "NotReadableError":
    case "AbortError":
      return "cameraBusy";
    default:
      return navigator.mediaDevices ? "cameraFailed" : "cameraInsecure";
  }
}

/** Ask for the camera. Rejects with the browser's error; `cameraTrouble` knows what to say about it. */
export async function openLens() {
  if (!navigator.mediaDevices) {
    throw new Error("no media devices");
  }
  const stream = await navigator.mediaDevices.getUserMedia({ video: WANTED, audio: false });
  const lens = new Lens(stream);
  try {
    await lens.begin();
  } catch (error) {
    lens.close();
    throw error;
  }
  return lens;
}

class Lens {
  constructor(stream) {
    this.stream = stream;
    this.track = stream.getVideoTracks()[0];
    this.video = document.createElement("video");
    this.canvas = document.createElement("canvas");
    /** Called once when the picture stops coming: unplugged, taken by another program, permission withdrawn. */
    this.onlost = () => {};
    this.track.addEventListener("ended", () => this.onlost());
  }

  async begin() {
    // In the document, because some browsers stop playing a video that is not.
    this.video.className = "lens";
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.setAttribute("aria-hidden", "true");
    this.video.srcObject = this.stream;
    document.body.append(this.video);
    await this.video.play();
    await this._firstPicture();
  }

  get width() {
    return this.video.videoWidth;
  }

  get height() {
    return this.video.videoHeight;
  }

  get label() {
    return this.track.label.slice(0, 200);
  }

  get live() {
    return this.track.readyState === "live" && !this.track.muted;
  }

  /** A JPEG whose long side has at most `long` pixels and whose size stays under `most` bytes; null if there is none. */
  async take({ long, quality, most }) {
    if (!this.live || !this.width) {
      return null;
    }
    const scale = Math.min(1, long / Math.max(this.width, this.height));
    this.canvas.width = Math.round(this.width * scale);
    this.canvas.height = Math.round(this.height * scale);
    this.canvas.getContext("2d", { alpha: false }).drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    for (let attempt = quality; attempt > 0.2; attempt -= 0.15) {
      const picture = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", attempt));
      if (picture && picture.size <= most) {
        return picture;
      }
    }
    return null;
  }

  /** Mean brightness of the picture, 0 black to 255 white. */
  brightness() {
    const small = document.createElement("canvas");
    small.width = 32;
    small.height = 24;
    const context = small.getContext("2d", { alpha: false });
    context.drawImage(this.video, 0, 0, small.width, small.height);
    const { data } = context.getImageData(0, 0, small.width, small.height);
    let sum = 0;
    for (let index = 0; index < data.length; index += 4) {
      sum += 0.299 * data[index] + 0.587 * data[index + 1] + 0.114 * data[index + 2];
    }
    return sum / (data.length / 4);
  }

  close() {
    this.onlost = () => {};
    this.stream.getTracks().forEach((track) => track.stop());
    this.video.remove();
  }

  _firstPicture() {
    return new Promise((resolve, reject) => {
      const tooLong = setTimeout(() => reject(new DOMException("no picture", "NotReadableError")), READY_WITHIN);
      const look = () => {
        if (this.width > 2) {
          clearTimeout(tooLong);
          resolve();
        } else {
          setTimeout(look, 50);
        }
      };
      look();
    });
  }
}
