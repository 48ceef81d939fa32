// A file on its way to the desk: chosen or dropped, sent with its progress shown, stopped.

const form = document.querySelector("[data-send]");
const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

if (form) {
  const drop = form.querySelector("[data-drop]");
  const input = form.querySelector('input[type="file"]');
  const sending = form.querySelector("[data-sending]");
  const bar = sending.querySelector("progress");
  const said = form.querySelector("[data-said]");
  let request = null;

  const end = (words) => {
    request = null;
    sending.hidden = true;
    input.disabled = false;
    input.value = "";
    said.textContent = words;
    input.focus();
  };

  const refusal = () => {
    if (request.status === 401) {
      return form.dataset.signedOut;
    }
    try {
      return JSON.parse(request.responseText).detail || form.dataset.lost;
    } catch {
      return form.dataset.lost;
    }
  };

  const send = (file) => {
    if (!file || request) {
      return;
    }
    said.textContent = "";
    if (file.size > Number(form.dataset.most)) {
      end(form.dataset.tooLarge);
      return;
    }
    if (!file.size) {
      end(form.dataset.empty);
      return;
    }
    request = new XMLHttpRequest();
    request.open("POST", `${form.dataset.send}?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("X-CSRF-Token", token);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      const share = event.total ? Math.floor((event.loaded * 100) / event.total) : 0;
      bar.value = share;
      sending.querySelector("[data-share]").textContent = `${share} %`;
    });
    request.addEventListener("load", () => {
      if (request.status === 200) {
        location.assign(JSON.parse(request.responseText).address);
      } else {
        end(refusal());
      }
    });
    request.addEventListener("error", () => end(form.dataset.lost));
    request.addEventListener("abort", () => end(form.dataset.cancelled));
    sending.querySelector("[data-name]").textContent = file.name;
    bar.value = 0;
    sending.hidden = false;
    input.disabled = true;
    sending.querySelector("[data-stop]").focus();
    request.send(file);
  };

  input.addEventListener("change", () => send(input.files[0]));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("[data-stop]").addEventListener("click", () => request?.abort());
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("drop--over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("drop--over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("drop--over");
    send(event.dataTransfer.files[0]);
  });
  // Coming back to a page that the browser kept: it waits for a file again.
  window.addEventListener("pageshow", () => {
    if (!request || request.readyState === 4) {
      request = null;
      sending.hidden = true;
      input.disabled = false;
      input.value = "";
    }
  });
}
