"""Who can sign in on the demo: one person per role, and a few more candidates."""

from msgspec import Struct

from core.access.roles import Role

PASSWORD = "Demo-2026"


class DemoPerson(Struct, frozen=True):
    """An account of the demo. The password is the same for all: it protects nothing but made-up data."""

    login: str
    family_name: str
    given_name: str
    patronymic: str
    roles: tuple[Role, ...]
    title: str
    """The role in Russian, as the start page names it."""
    password: str = PASSWORD
    zone: str = "Europe/Moscow"

    @property
    def name(self) -> str:
        """«Фамилия Имя Отчество»."""
        return f"{self.family_name} {self.given_name} {self.patronymic}"


STAFF = (
    DemoPerson("metodist", "Орлова", "Вера", "Ильинична", (Role.METHODOLOGIST,), "методист"),
    DemoPerson("metodist2", "Савельев", "Игорь", "Константинович", (Role.METHODOLOGIST,), "методист, второй"),
    DemoPerson("proktor", "Зимин", "Олег", "Павлович", (Role.PROCTOR,), "проктор"),
    DemoPerson("predsedatel", "Лаптева", "Нина", "Сергеевна", (Role.COMMISSION_CHAIR,), "председатель подкомиссии"),
    DemoPerson("sekretar", "Юдин", "Артём", "Львович", (Role.COMMISSION_SECRETARY,), "секретарь подкомиссии"),
    DemoPerson("ekspert", "Гусева", "Алла", "Петровна", (Role.COMMISSION,), "член подкомиссии"),
    DemoPerson("apellyaciya", "Серов", "Иван", "Юрьевич", (Role.APPEAL_COMMISSION,), "апелляционная комиссия"),
    DemoPerson("reestr", "Крылова", "Дарья", "Олеговна", (Role.REGISTER_KEEPER,), "специалист по ведению реестра"),
    DemoPerson("rabotodatel", "Белов", "Пётр", "Андреевич", (Role.EMPLOYER,), "работодатель"),
    DemoPerson("inspektor", "Чайкина", "Ольга", "Игоревна", (Role.INSPECTOR,), "контролирующий орган"),
    DemoPerson("operator", "Носов", "Денис", "Романович", (Role.OPERATOR,), "администратор"),
)

CANDIDATES = (
    DemoPerson("kandidat", "Соколова", "Анна", "Викторовна", (Role.CANDIDATE,), "кандидат"),
    DemoPerson("kandidat2", "Прохоров", "Максим", "Евгеньевич", (Role.CANDIDATE,), "кандидат", zone="Asia/Yakutsk"),
)
