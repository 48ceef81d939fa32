// What practice says where an exam has words of its own, by the same names: Russian and English side by side.

export const words = {
  loading: ["Открываем тренировку", "Opening practice"],
  startLead: ["Время пойдёт, когда вы нажмёте «Начать тренировку».", "The clock starts when you press “Start practice”."],
  start: ["Начать тренировку", "Start practice"],
  examLeft: ["До конца тренировки", "Time left in practice"],
  examStands: ["Время стоит. До конца тренировки", "The clock stands. Time left in practice"],
  examThreshold: ["До конца тренировки осталось {left}", "{left} left in practice"],
  examTimeUp: ["Время тренировки вышло. Завершаем.", "The time for practice is up. Finishing."],
  moreTime: ["Время изменено. До конца тренировки {left}.", "The time was changed. {left} left in practice."],
  reviewClock: [
    "Время открытого задания и всей тренировки идёт.",
    "The clocks of the open item and of the whole run are running.",
  ],
  sectionClock: ["Время тренировки идёт и между разделами.", "The clock of the run runs between sections too."],
  breakStands: ["Время тренировки остановится.", "The clocks stop."],
  breakLead: ["Время тренировки стоит: у вас останется {left}.", "The clock stands: you will have {left} left."],
  finish: ["Завершить тренировку", "Finish practice"],
  finishAsk: ["Завершить тренировку?", "Finish practice?"],
  takenTitle: ["Тренировка продолжена в другом окне", "Practice goes on in another window"],
  absentTitle: ["Тренировка не найдена", "This practice was not found"],
  absentText: [
    "Возможно, вы вошли под другим именем. Вернитесь в личный кабинет и откройте тренировку оттуда.",
    "You may be signed in as somebody else. Return to your cabinet and open practice from there.",
  ],
  endedTitle: ["Тренировка завершена", "Practice is finished"],
  undoneTitle: ["Тренировка не состоялась", "Practice did not take place"],
  endedSubmitted: ["Вы завершили тренировку. Ответы сохранены.", "You finished practice. Your answers are kept."],
  endedCompleted: ["Все задания пройдены. Ответы сохранены.", "All items are done. Your answers are kept."],
  endedExamTime: [
    "Время тренировки вышло. Ответы, данные до этого, сохранены.",
    "The time for practice is up. The answers given before that are kept.",
  ],
  endedItemTime: [
    "Время на задание вышло, по правилам этого экзамена на этом всё завершается. Данные ответы сохранены.",
    "The time for an item ran out, which by the rules of this exam is the end. The answers given are kept.",
  ],
  endedWindowClosed: [
    "Время этой тренировки закончилось. Ответы, данные до этого, сохранены.",
    "The time of this practice is over. The answers given before that are kept.",
  ],
  endedWindowCancelled: ["Организатор отменил эту тренировку.", "The organiser has cancelled this practice."],
  endedNotStarted: [
    "Тренировка не была начата, её время закончилось.",
    "Practice was not started and its time is over.",
  ],
  nextResult: [
    "Сколько набрано и что повторить, написано в личном кабинете. На аккредитацию тренировка не влияет.",
    "Your points and what to revise are in your cabinet. Practice has no bearing on accreditation.",
  ],
  nextBooking: ["Начать другую можно в личном кабинете.", "You can begin another one in your cabinet."],
  results: ["Посмотреть, что получилось", "See how it went"],
};
