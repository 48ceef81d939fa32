// What is said in practice, and of the pictures of items, Russian and English side by side.

export const words = {
  // Answering
  check: ["Проверить ответ", "Check the answer"],
  checkNote: ["После проверки ответ изменить нельзя.", "Once checked, the answer can’t be changed."],
  rulePractice: [
    "Это тренировка: после каждого задания откроется пояснение. Время следующего задания пойдёт, когда вы нажмёте «Дальше».",
    "This is practice: each item is explained after you have answered it. The clock of the next item starts when you press “Next”.",
  ],
  rulePracticeEnd: [
    "Это тренировка: пояснения ко всем заданиям откроются в конце.",
    "This is practice: all items are explained at the end.",
  ],

  // An explanation
  explained: ["Разбор задания {number} из {all}", "Item {number} of {all} explained"],
  explainedExpired: ["Время на это задание вышло.", "The time for this item ran out."],
  explainedClock: [
    "Время следующего задания пойдёт, когда оно откроется. Общее время тренировки идёт.",
    "The clock of the next item starts when it opens. The clock of the whole run is running.",
  ],
  explainedLoading: ["Открываем пояснение", "Opening the explanation"],
  explainedFailed: ["Пояснение не загрузилось.", "The explanation could not be loaded."],
  tryAgain: ["Попробовать ещё раз", "Try again"],
  why: ["Почему так", "Why"],
  sources: ["Источники", "Sources"],
  verdictNone: ["Вы не ответили", "You gave no answer"],
  verdictRight: ["Верно", "Right"],
  verdictPartly: ["Верно не всё", "Not all of it is right"],
  verdictWrong: ["Неверно", "Wrong"],
  mine: ["ваш ответ", "your answer"],
  right: ["верно", "right"],
  wrong: ["неверно", "wrong"],
  needed: ["необходимо", "needed"],
  notNeeded: ["лишнее", "not needed"],
  harmful: ["вредно", "harmful"],
  inOrder: ["по порядку {number}", "number {number} in order"],
  lastExplained: ["Разбор последнего задания", "The last item explained"],

  // Pictures
  picture: ["Изображение", "Picture"],
  enlarge: ["Увеличить изображение", "Enlarge the picture"],
  ownSize: ["Настоящий размер", "Actual size"],
  pictureLost: ["(изображение не загрузилось, обновите страницу)", "(the picture could not be loaded, reload the page)"],
};
