// What is said of sections, when time is up, and while the clocks stand, Russian and English side by side.

export const words = {
  // Sections
  sections: ["Разделы", "Sections"],
  sectionItems: [
    { one: "{count} задание", few: "{count} задания", many: "{count} заданий", other: "{count} задания" },
    { one: "{count} item", other: "{count} items" },
  ],
  sectionOf: ["Раздел {number} из {count}", "Section {number} of {count}"],
  sectionLimit: ["Времени на раздел", "Time for the section"],
  sectionDone: ["Раздел {number} завершён", "Section {number} is finished"],
  sectionNext: ["Дальше раздел {number} из {count}: «{title}».", "Next is section {number} of {count}: “{title}”."],
  sectionClock: [
    "Время тестирования идёт и между разделами.",
    "The exam clock runs between sections too.",
  ],
  sectionBegin: ["Начать раздел {number}", "Begin section {number}"],
  sectionClose: ["Завершить раздел", "Finish the section"],
  sectionAsk: ["Завершить раздел {number}?", "Finish section {number}?"],
  sectionText: ["Вернуться к разделу будет нельзя.", "You won’t be able to come back to the section."],
  reviewSectionTitle: ["Проверьте раздел", "Review the section"],
  reviewSectionClock: [
    "Время открытого задания, раздела и всего тестирования идёт.",
    "The clocks of the open item, the section and the exam are running.",
  ],
  reviewSectionAll: ["Вы ответили на все задания раздела.", "You have answered all the items of the section."],
  offlineSection: ["Начать раздел можно, когда вернётся связь.", "The section can begin when the connection is back."],

  // Time is up
  timeUp: ["Время на это задание вышло. Открываем следующее.", "Time for this item is up. Opening the next one."],
  timeUpOffline: [
    "Время на это задание вышло. Следующее откроется, когда вернётся связь.",
    "Time for this item is up. The next one opens when the connection is back.",
  ],
  examTimeUp: ["Время тестирования вышло. Завершаем.", "The exam time is up. Finishing."],
  expired: [
    "Время на задание {number} вышло, оно закрыто. Сохранённый ответ учтён.",
    "Time for item {number} is up and it is closed. The saved answer counts.",
  ],
  expiredEmpty: [
    "Время на задание {number} вышло, оно закрыто без ответа.",
    "Time for item {number} is up and it is closed without an answer.",
  ],
  expiredMany: [
    "Время на задания {numbers} вышло, они закрыты. Сохранённые ответы учтены.",
    "Time for items {numbers} is up and they are closed. Saved answers count.",
  ],

  // Pause and break
  pausedTitle: ["Тестирование приостановлено", "The exam is paused"],
  pausedLead: [
    "Его приостановил проктор. Время стоит: когда тестирование продолжится, у вас останется {left}.",
    "The proctor has paused it. The clocks stand: you will have {left} left when it goes on.",
  ],
  pausedReason: ["Что написал проктор", "What the proctor wrote"],
  pausedStay: [
    "Оставайтесь у компьютера: камера работает.",
    "Stay at the computer: the camera is on.",
  ],
  pausedWait: ["Ничего нажимать не нужно.", "There is nothing to press."],
  pausedAfter: [
    "Задание откроется само, когда проктор продолжит тестирование.",
    "The item will open by itself when the proctor goes on.",
  ],
  pausedCloses: [
    "Доступ к тестированию открыт до {time}, если организатор его не продлит.",
    "Access is open until {time} unless the organiser extends it.",
  ],
  keptAll: ["Все ваши ответы сохранены.", "All your answers are saved."],
  keptHere: [
    {
      one: "{count} изменение сохранено на этом устройстве и будет отправлено само.",
      few: "{count} изменения сохранены на этом устройстве и будут отправлены сами.",
      many: "{count} изменений сохранены на этом устройстве и будут отправлены сами.",
      other: "{count} изменения сохранены на этом устройстве и будут отправлены сами.",
    },
    {
      one: "{count} change is kept on this device and will be sent by itself.",
      other: "{count} changes are kept on this device and will be sent by themselves.",
    },
  ],
  break: ["Перерыв", "Break"],
  breakTake: ["Взять перерыв", "Take a break"],
  breakAsk: ["Взять перерыв?", "Take a break?"],
  breakStands: ["Время тестирования остановится.", "The exam clocks stop."],
  breakLocks: [
    "Все задания, которые вы открывали, закроются. Изменить ответы на них будет нельзя.",
    "All items you have opened are closed. Their answers can’t be changed any more.",
  ],
  breakLongest: [
    "Перерыв длится не больше чем {span}. Потом время пойдёт само.",
    "A break lasts {span} at most. Then the clocks run again by themselves.",
  ],
  breaksLeft: [
    {
      one: "У вас остался {count} перерыв, считая этот.",
      few: "У вас осталось {count} перерыва, считая этот.",
      many: "У вас осталось {count} перерывов, считая этот.",
      other: "У вас осталось {count} перерыва, считая этот.",
    },
    { one: "You have {count} break left, this one included.", other: "You have {count} breaks left, this one included." },
  ],
  breakBegin: ["Начать перерыв", "Begin the break"],
  breakTitle: ["Перерыв", "Break"],
  breakLead: [
    "Время тестирования стоит: у вас останется {left}.",
    "The exam clock stands: you will have {left} left.",
  ],
  breakLeft: ["До конца перерыва", "Time left in the break"],
  breakAfter: [
    "Когда он закончится, откроется следующее задание и его время пойдёт. Вернуться можно и раньше.",
    "When it ends, the next item opens and its clock runs. You can come back sooner.",
  ],
  breakEnd: ["Вернуться к заданиям", "Back to the items"],
  offlineBreak: [
    "Нет связи. Вернуться можно, когда она появится; перерыв закончится в своё время и без неё.",
    "No connection. You can come back when it returns; the break ends at its time without it too.",
  ],
};
