// What the pages before the exam say, Russian and English side by side.

import { words as exam } from "./exam_words.js";

export const words = {
  running: ["Проверяем…", "Checking…"],
  ok: ["в порядке", "fine"],
  warn: ["стоит исправить", "better to fix"],
  bad: ["нужно исправить", "must be fixed"],
  allGood: ["Проверка закончена, всё в порядке.", "The check is done and everything is fine."],
  someBad: ["Проверка закончена. Исправьте отмеченное и проверьте ещё раз.", "The check is done. Fix what is marked and check again."],
  mbit: ["{value} Мбит/с", "{value} Mbit/s"],
  milliseconds: ["{value} мс", "{value} ms"],
  pixels: ["{width} × {height}", "{width} × {height}"],

  cameraDenied: exam.cameraDenied,
  cameraMissing: ["Камера не найдена. Подключите её и проверьте ещё раз.", "No camera was found. Connect one and check again."],
  cameraBusy: ["Камера занята другой программой. Закройте её и проверьте ещё раз.", "Another program is using the camera. Close it and check again."],
  cameraFailed: exam.cameraFailed,
  cameraInsecure: exam.cameraInsecure,
  cameraSmall: [
    "Изображение слишком мало. Подключите другую камеру.",
    "The picture is too small. Connect another camera.",
  ],
  cameraDark: [
    "Темно. Включите свет перед собой или откройте шторку камеры.",
    "It is dark. Turn on a light in front of you or open the camera’s shutter.",
  ],
  slowDown: [
    "Нужно не меньше 5 Мбит/с. Подойдите ближе к роутеру, подключите кабель или остановите загрузки.",
    "At least 5 Mbit/s is needed. Move closer to the router, use a cable or stop downloads.",
  ],
  slowUp: [
    "Нужно не меньше 1 Мбит/с. Остановите отправку файлов и видеозвонки.",
    "At least 1 Mbit/s is needed. Stop uploads and video calls.",
  ],
  noNetwork: ["Измерить не удалось. Проверьте подключение к интернету.", "It could not be measured. Check your internet connection."],
  slowEcho: [
    "Сервер отвечает медленно. Ответы будут сохраняться с задержкой.",
    "The server answers slowly. Saving answers will take longer.",
  ],
  noSocket: [
    "Соединение не открывается. Отключите прокси или VPN либо смените сеть.",
    "The connection does not open. Turn off the proxy or VPN, or use another network.",
  ],
  smallScreen: [
    "Экран мал. Пройти можно, но на большом экране удобнее.",
    "The screen is small. You can take the exam, but a larger one is easier.",
  ],
  noStorage: [
    "Браузер не хранит данные. Выйдите из приватного режима: без этого ответы пропадут при обрыве связи.",
    "The browser keeps no data. Leave private mode: without it answers are lost when the connection breaks.",
  ],
  insecure: [
    "Откройте страницу по адресу, который начинается с https.",
    "Open the page at an address that begins with https.",
  ],
  oldBrowser: [
    "Браузер устарел. Обновите его или откройте страницу в свежей версии Яндекс Браузера, Chrome, Firefox, Edge или Safari.",
    "The browser is out of date. Update it, or use a recent Yandex Browser, Chrome, Firefox, Edge or Safari.",
  ],

  lookHere: ["Смотрите в камеру и нажмите «Сделать фото».", "Look into the camera and press “Take a photo”."],
  lookAtStill: ["Лицо видно целиком и чётко? Отправьте фото.", "Is the whole face clear? Send the photo."],
  sending: ["Отправляем…", "Sending…"],
  openingCamera: ["Включаем камеру…", "Turning the camera on…"],
  identityDone: ["Личность подтверждена. Открываем тестирование.", "Your identity is confirmed. Opening the exam."],
  waitOffline: [
    "Нет связи с сервером. Ждём, страница подключится сама.",
    "No connection to the server. Waiting; the page will connect by itself.",
  ],
  waitProctor: [
    "Ждём проктора. Не закрывайте страницу: она откроет тестирование сама.",
    "Waiting for the proctor. Keep this page open: it will open the exam by itself.",
  ],
  opensIn: ["До открытия осталось {left}", "Opens in {left}"],
  daysLeft: [
    { one: "{count} день", few: "{count} дня", many: "{count} дней", other: "{count} дня" },
    { one: "{count} day", other: "{count} days" },
  ],
  opened: ["Тестирование открыто", "The exam is open"],
  goingIn: ["Входим. Время тестирования ещё не идёт.", "Going in. The exam clock is not running yet."],
  openedNoAnswer: [
    "Сервер пока не ответил. Пробуем ещё раз, время тестирования ещё не идёт.",
    "The server has not answered yet. Trying again; the exam clock is not running yet.",
  ],
  unreachable: [
    "Сервер не ответил. Проверьте подключение к интернету и повторите.",
    "The server did not answer. Check your internet connection and try again.",
  ],
};
