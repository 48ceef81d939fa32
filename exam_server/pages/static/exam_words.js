// Every sentence of the exam page, Russian and English side by side.

export const words = {
  // The top line
  items: ["Задания", "Items"],
  itemsShort: ["Задания, {done}/{all}", "Items, {done}/{all}"],
  itemsOf: ["Отвечено на {done} из {all}", "Answered: {done} of {all}"],
  online: ["Связь есть", "Connected"],
  connecting: ["Подключаемся", "Connecting"],
  noLine: ["Нет связи", "No connection"],
  slowOnline: ["Связь медленная", "Slow connection"],
  examLeft: ["До конца тестирования", "Time left in the exam"],
  examStands: ["Время стоит. До конца тестирования", "The clock stands. Time left in the exam"],
  itemLeft: ["Осталось на задание", "Time left for this item"],
  sectionLeft: ["До конца раздела", "Time left in the section"],
  help: ["Клавиши", "Keys"],
  loading: ["Открываем тестирование", "Opening the exam"],
  loadingLong: [
    "Сервер пока не ответил. Страница подключится сама, ничего нажимать не нужно.",
    "The server has not answered yet. The page will connect by itself; there is nothing to press.",
  ],

  // The start screen
  ready: ["Всё готово", "Everything is ready"],
  startLead: [
    "Время пойдёт, когда вы нажмёте «Начать тестирование».",
    "The clock starts when you press “Start the exam”.",
  ],
  startItems: ["Заданий", "Items"],
  startLimit: ["Времени на все задания", "Time for all items"],
  startCloses: ["Доступ закроется", "Access closes"],
  ruleItemClock: [
    "У каждого задания есть своё время. Когда оно выйдет, задание закроется и откроется следующее. Время идёт и тогда, когда страница закрыта.",
    "Every item has its own time. When it runs out, the item closes and the next one opens. The clock runs even while the page is closed.",
  ],
  ruleLinear: [
    "Задания идут по порядку. Вернуться к пройденному заданию нельзя.",
    "Items come in order. You can’t go back to an item you have left.",
  ],
  ruleFree: [
    "Задания можно проходить в любом порядке и возвращаться к ним, пока у задания есть время.",
    "You may take the items in any order and come back to them while they still have time.",
  ],
  ruleSections: [
    "Разделы идут по порядку. К завершённому разделу вернуться нельзя.",
    "Sections come in order. You can’t go back to a section you have finished.",
  ],
  ruleBreaks: [
    {
      one: "Можно взять {count} перерыв: время на нём стоит, открытые до него задания закрываются.",
      few: "Можно взять {count} перерыва: время на них стоит, открытые до них задания закрываются.",
      many: "Можно взять {count} перерывов: время на них стоит, открытые до них задания закрываются.",
      other: "Можно взять {count} перерыва: время на них стоит, открытые до них задания закрываются.",
    },
    {
      one: "You may take {count} break: the clocks stand, and items opened before it are closed.",
      other: "You may take {count} breaks: the clocks stand, and items opened before them are closed.",
    },
  ],
  startBreaks: ["Перерывы", "Breaks"],
  startBreak: ["{count}, до {span}", "{count}, up to {span}"],
  startLate: [
    "У вас будет {span}: доступ открыт до {time}.",
    "You will have {span}: access is open until {time}.",
  ],
  startEarly: [
    "Начать можно будет с {time}. Кнопка включится сама.",
    "You can start from {time} on. The button turns on by itself.",
  ],
  opensIn: ["До начала осталось", "Opens in"],
  ruleFlags: [
    "Если хотите вернуться к заданию, отметьте его флажком.",
    "If you want to come back to an item, flag it.",
  ],
  ruleOffline: [
    "Если связь прервётся, отвечайте на открытое задание: ответы сохранятся на этом устройстве и уйдут сами. Время при этом идёт.",
    "If the connection breaks, go on answering the item on screen: answers are kept on this device and sent by themselves. The clock keeps running.",
  ],
  ruleCamera: [
    "Камера работает всё время тестирования. Оставайтесь в кадре одни.",
    "The camera is on throughout the exam. Stay in the picture, alone.",
  ],
  start: ["Начать тестирование", "Start the exam"],
  startNeedsLine: ["Ждём связи с сервером.", "Waiting for the server."],
  startNeedsCamera: ["Чтобы начать, включите камеру.", "Turn the camera on to start."],
  repeatCheck: ["Повторить проверку техники", "Repeat the technical check"],

  // An item
  itemNumber: ["Задание {number} из {all}", "Item {number} of {all}"],
  chooseOne: ["Выберите один вариант ответа", "Choose one option"],
  chooseActions: ["Выберите все необходимые действия", "Choose all the actions that are needed"],
  chooseOrdered: [
    "Выберите действия в том порядке, в котором их выполняют",
    "Choose the actions in the order in which they are carried out",
  ],
  orderedHint: [
    "Номер показывает очерёдность. Чтобы изменить её, снимите отметку и выберите действие снова.",
    "The number is the place in the order. To change it, clear the action and choose it again.",
  ],
  place: ["действие номер {number}", "action number {number}"],
  saving: ["Сохраняется…", "Saving…"],
  saved: ["Сохранено", "Saved"],
  savedHere: ["Сохранено на этом устройстве", "Saved on this device"],
  flag: ["Флажок", "Flag"],
  flagHint: ["Отметить задание, чтобы вернуться к нему", "Mark this item to come back to it"],
  previous: ["Назад", "Back"],
  next: ["Дальше", "Next"],
  nextLinear: ["Вернуться к этому заданию будет нельзя.", "You won’t be able to come back to this item."],
  review: ["Проверить и завершить", "Review and finish"],
  reviewSection: ["Проверить раздел", "Review the section"],
  finish: ["Завершить тестирование", "Finish the exam"],
  offlineMoves: [
    "Без связи можно отвечать только на открытое задание.",
    "Without a connection only the item on screen can be answered.",
  ],
  movingOffline: [
    "Действие выполнится, когда связь вернётся.",
    "This will be done when the connection is back.",
  ],

  // «This item seems wrong»
  remark: ["В задании ошибка?", "Is something wrong here?"],
  remarkMade: ["Замечание отправлено", "Remark sent"],
  remarkTitle: ["Замечание к заданию {number}", "A remark on item {number}"],
  remarkText: [
    "Его прочтёт методист. На ответ и результат замечание не влияет, время задания идёт.",
    "A methodologist will read it. It changes neither your answer nor your result; the item’s clock is running.",
  ],
  remarkLabel: ["Что в задании не так", "What is wrong with the item"],
  remarkSend: ["Отправить замечание", "Send the remark"],
  wordsLeft: [
    { one: "Ещё {count} знак", few: "Ещё {count} знака", many: "Ещё {count} знаков", other: "Ещё {count} знака" },
    { one: "{count} character left", other: "{count} characters left" },
  ],
  wordsMissing: ["Напишите хотя бы несколько слов.", "Write at least a few words."],
  cancel: ["Отмена", "Cancel"],

  // Calling a person
  helpNeeded: ["Нужна помощь", "I need help"],
  helpShort: ["Помощь", "Help"],
  helpCalledShort: ["Позван", "Called"],
  helpCalled: ["Проктор позван", "The proctor is called"],
  helpTitle: ["Позвать проктора?", "Call the proctor?"],
  helpText: [
    "Проктор увидит ваш вызов и напишет вам или приостановит тестирование. Пока он не ответил, время идёт.",
    "The proctor will see your call and write to you or pause the exam. Until then the clock is running.",
  ],
  helpLabel: ["Что случилось (можно не писать)", "What has happened (may be left empty)"],
  helpCall: ["Позвать проктора", "Call the proctor"],

  // A case
  scenario: ["Ситуация", "Scenario"],
  newData: ["Новые данные, шаг {number}", "New findings, step {number}"],
  step: ["Шаг {number}", "Step {number}"],
  stepClosed: ["Шаг {number} завершён", "Step {number} completed"],
  finishStep: ["Завершить шаг", "Complete the step"],
  finishStepAsk: ["Завершить шаг {number}?", "Complete step {number}?"],
  finishStepText: [
    "После этого изменить ответ этого шага нельзя. Дальше могут открыться новые данные.",
    "After that the answer of this step can’t be changed. New findings may open next.",
  ],
  stepEmpty: ["Сначала выберите ответ на этом шаге.", "Choose an answer for this step first."],
  skipCase: ["Пропустить задание", "Skip this item"],
  keepOn: ["Вернуться к шагу", "Back to the step"],

  // Leaving, reviewing, finishing
  leaveEmptyAsk: ["Перейти дальше без ответа?", "Go on without an answer?"],
  leaveEmptyText: [
    "Вы не выбрали ответ. Вернуться к этому заданию будет нельзя.",
    "You have not chosen an answer. You won’t be able to come back to this item.",
  ],
  leaveCaseText: [
    "В задании остались незавершённые шаги. Вернуться к нему будет нельзя.",
    "Some steps of this item are not completed. You won’t be able to come back to it.",
  ],
  goOn: ["Перейти дальше", "Go on"],
  stay: ["Остаться", "Stay"],
  reviewTitle: ["Проверьте ответы", "Review your answers"],
  reviewAll: ["Вы ответили на все задания.", "You have answered all the items."],
  reviewLeft: [
    {
      one: "Без ответа {count} задание.",
      few: "Без ответа {count} задания.",
      many: "Без ответа {count} заданий.",
      other: "Без ответа {count} задания.",
    },
    { one: "{count} item has no answer.", other: "{count} items have no answer." },
  ],
  reviewEmpty: ["Без ответа", "Not answered"],
  reviewMarked: ["Отмечено", "Flagged"],
  reviewClock: [
    "Время открытого задания и всего тестирования идёт.",
    "The clocks of the open item and of the exam are running.",
  ],
  backToItem: ["Вернуться к заданию", "Back to the item"],
  finishAsk: ["Завершить тестирование?", "Finish the exam?"],
  finishText: [
    "После этого изменить ответы нельзя.",
    "After that the answers can’t be changed.",
  ],
  notYet: ["Вернуться к заданиям", "Back to the items"],

  // The map
  mapTitle: ["Задания", "Items"],
  markCurrent: ["открыто сейчас", "on screen"],
  markAnswered: ["есть ответ", "answered"],
  markEmpty: ["без ответа", "not answered"],
  markFlagged: ["отмечено", "flagged"],
  markLocked: ["закрыто", "closed"],
  markExpired: ["время вышло", "time is up"],
  markWithdrawn: ["отозвано комиссией, не учитывается", "withdrawn by the commission, does not count"],
  withdrawn: [
    {
      one: "Комиссия отозвала задание {numbers}. Оно не учитывается ни в баллах, ни в пороге.",
      few: "Комиссия отозвала задания {numbers}. Они не учитываются ни в баллах, ни в пороге.",
      many: "Комиссия отозвала задания {numbers}. Они не учитываются ни в баллах, ни в пороге.",
      other: "Комиссия отозвала задания {numbers}. Они не учитываются ни в баллах, ни в пороге.",
    },
    {
      one: "The commission has withdrawn item {numbers}. It counts neither in the points nor in the cut.",
      other: "The commission has withdrawn items {numbers}. They count neither in the points nor in the cut.",
    },
  ],
  markQuestioned: ["есть замечание", "remark sent"],
  markAhead: ["откроется позже", "opens later"],
  legend: ["Обозначения", "What the marks mean"],
  mapLinear: ["Задания открываются по порядку.", "Items open in order."],

  // The camera
  camera: ["Камера", "Camera"],
  cameraOff: ["Камера не работает", "The camera is off"],
  cameraPreview: ["Изображение с вашей камеры", "The picture of your camera"],
  cameraHide: ["Скрыть изображение", "Hide the picture"],
  cameraShow: ["Показать изображение с камеры", "Show the camera picture"],
  cameraMove: ["Переместить", "Move"],
  cameraAgain: ["Включить камеру", "Turn the camera on"],
  cameraDenied: [
    "Браузер не даёт доступ к камере. Нажмите значок рядом с адресом страницы, разрешите камеру и включите её снова.",
    "The browser blocks the camera. Press the icon beside the page’s address, allow the camera and turn it on again.",
  ],
  cameraMissing: [
    "Камера не найдена. Подключите её, страница включит её сама.",
    "No camera was found. Connect one; the page will turn it on by itself.",
  ],
  cameraBusy: [
    "Камера занята другой программой. Закройте программу, которая её использует.",
    "Another program is using the camera. Close that program.",
  ],
  cameraFailed: [
    "Камера не включилась. Проверьте, что она подключена и её шторка открыта.",
    "The camera did not turn on. Check that it is connected and its shutter is open.",
  ],
  cameraInsecure: [
    "Камера доступна только по защищённому соединению. Откройте страницу по адресу, который начинается с https.",
    "The camera works only over a secure connection. Open the page at an address that begins with https.",
  ],
  cameraLost: [
    "Изображение с камеры пропало. Проверьте, что камера подключена и не занята. Тестирование продолжается.",
    "The camera picture is gone. Check that the camera is connected and free. The exam goes on.",
  ],

  // Notices
  offline: [
    "Нет связи. Ответы сохраняются на этом устройстве и уйдут сами.",
    "No connection. Answers are kept on this device and will go by themselves.",
  ],
  offlineMemory: [
    "Нет связи. Не закрывайте страницу: ответы уйдут сами, когда она вернётся.",
    "No connection. Keep this page open: answers will go by themselves when it is back.",
  ],
  waiting: ["Ждут отправки: {count}.", "Waiting to be sent: {count}."],
  restored: ["Связь восстановлена, ответы отправлены.", "The connection is back and your answers are sent."],
  slowLine: ["Связь медленная, но ответы сохраняются", "The connection is slow, but answers are saved"],
  allSaved: ["Все ответы сохранены", "All answers are saved"],
  sending: ["Отправляется: {count}", "Sending: {count}"],
  closesSoon: ["Доступ открыт до {time}", "Access is open until {time}"],
  stalled: [
    "Сервер пока не отвечает. Ответы сохраняются на этом устройстве и уйдут сами.",
    "The server does not answer for now. Answers are kept on this device and will go by themselves.",
  ],
  signin: [
    "Вход закончился. Ответы сохранены на этом устройстве, время идёт.",
    "Your sign-in has ended. Answers are kept on this device; the clock is running.",
  ],
  signinLink: ["Войти и продолжить", "Sign in and go on"],
  proctor: ["Сообщение проктора, {time}", "Message from the proctor, {time}"],
  proctorWarns: ["Предупреждение проктора, {time}", "Warning from the proctor, {time}"],
  markRead: ["Прочитано", "I have read it"],
  moreNotices: ["Ещё {count}", "{count} more"],
  moreWarnings: ["Ещё {count}, есть предупреждение", "{count} more, with a warning"],
  understood: ["Понятно", "OK"],
  moreTime: ["Время изменено. До конца тестирования {left}.", "The time was changed. {left} left in the exam."],
  lateAnswer: [
    "Ответ на задание {number} пришёл после срока. Он сохранён для комиссии, но в результате не учитывается.",
    "The answer to item {number} came after its time. It is kept for the commission but does not count.",
  ],
  notTaken: ["Изменение в задании {number} не принято. {reason}", "A change in item {number} was not accepted. {reason}"],
  notTakenAny: ["Действие не выполнено. {reason}", "This was not done. {reason}"],
  storageOff: [
    "Браузер не сохраняет данные на этом устройстве. Не закрывайте страницу, пока рядом с ответом не появится «Сохранено».",
    "The browser does not keep data on this device. Keep the page open until “Saved” appears beside your answer.",
  ],

  // Instead of the exam
  takenTitle: ["Тестирование продолжено в другом окне", "The exam goes on in another window"],
  takenText: [
    "Отвечать можно только в одном окне. Все сохранённые ответы на месте.",
    "You can answer in one window only. All saved answers are there.",
  ],
  takeBack: ["Продолжить в этом окне", "Go on in this window"],
  absentTitle: ["Тестирование не найдено", "The exam was not found"],
  absentText: [
    "Возможно, вы вошли под другим именем. Вернитесь в личный кабинет и откройте тестирование оттуда.",
    "You may be signed in as somebody else. Return to your cabinet and open the exam from there.",
  ],
  refusedTitle: ["Продолжить здесь нельзя", "You can’t go on here"],
  tooManyDevices: [
    "Тестирование открывали на слишком многих устройствах. Продолжите там, где оно было открыто, или обратитесь к проктору.",
    "The exam was opened on too many devices. Go on where it was open before, or ask the proctor.",
  ],
  refusedText: [
    "Сервер не принял подключение. Обновите страницу. Если это повторится, обратитесь к проктору.",
    "The server did not accept the connection. Reload the page. If it happens again, ask the proctor.",
  ],
  cabinet: ["В личный кабинет", "To my cabinet"],
  endedTitle: ["Тестирование завершено", "The exam is finished"],
  undoneTitle: ["Тестирование не состоялось", "The exam did not take place"],
  endedSubmitted: ["Вы завершили тестирование. Ответы приняты.", "You finished the exam. Your answers are recorded."],
  endedCompleted: ["Все задания пройдены. Ответы приняты.", "All items are done. Your answers are recorded."],
  endedExamTime: [
    "Время тестирования вышло. Ответы, данные до этого, приняты.",
    "The exam time is up. The answers given before that are recorded.",
  ],
  endedItemTime: [
    "Время на задание вышло, по правилам этого экзамена тестирование завершается. Данные ответы приняты.",
    "The time for an item ran out, which by the rules of this exam ends it. The answers given are recorded.",
  ],
  endedWindowClosed: [
    "Время доступа закончилось. Ответы, данные до этого, приняты.",
    "The access time is over. The answers given before that are recorded.",
  ],
  endedProctor: [
    "Проктор остановил тестирование. Данные ответы сохранены.",
    "The proctor stopped the exam. The answers given are kept.",
  ],
  endedWindowCancelled: [
    "Организатор отменил это тестирование. Попытка не израсходована.",
    "The organiser has cancelled this exam. It does not count as an attempt.",
  ],
  endedNotStarted: [
    "Тестирование не было начато, время доступа закончилось.",
    "The exam was not started and the access time is over.",
  ],
  endedUnsent: [
    {
      one: "{count} изменение ещё отправляется. Не закрывайте страницу.",
      few: "{count} изменения ещё отправляются. Не закрывайте страницу.",
      many: "{count} изменений ещё отправляются. Не закрывайте страницу.",
      other: "{count} изменения ещё отправляются. Не закрывайте страницу.",
    },
    {
      one: "{count} change is still being sent. Keep this page open.",
      other: "{count} changes are still being sent. Keep this page open.",
    },
  ],
  reasonProctor: ["Что написал проктор", "What the proctor wrote"],
  reasonStaff: ["Что написал организатор", "What the organiser wrote"],
  nextResult: [
    "Результат появится в личном кабинете.",
    "The result will appear in your cabinet.",
  ],
  nextCommission: [
    "Причину рассмотрит комиссия. Её решение появится в личном кабинете.",
    "The commission will consider the reason. Its decision will appear in your cabinet.",
  ],
  nextBooking: [
    "Выберите другое время в личном кабинете.",
    "Choose another time in your cabinet.",
  ],
  results: ["Открыть результат", "Open the result"],

  // Said aloud
  examThreshold: ["До конца тестирования осталось {left}", "{left} left in the exam"],
  sectionThreshold: ["До конца раздела осталось {left}", "{left} left in the section"],
  itemThreshold: ["На задание осталось {left}", "{left} left for this item"],

  // Keys
  keysTitle: ["Работа с клавиатуры", "Using the keyboard"],
  keysOn: ["Включить быстрые клавиши", "Turn the shortcut keys on"],
  keyDigits: ["выбрать вариант по номеру", "choose an option by its number"],
  keyArrows: ["перейти к вариантам и между ними", "move to the options and among them"],
  keyEnter: ["дальше", "next"],
  keyFlag: ["отметить задание", "flag the item"],
  close: ["Закрыть", "Close"],
};
