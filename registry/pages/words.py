"""What the register's values are called, on the public pages as on the keepers'."""

from registry.entries import Status
from registry.notices import Kind

STATUS_WORDS = {
    Status.VALID: "Действует",
    Status.EXPIRES_SOON: "Скоро закончится",
    Status.EXPIRED: "Срок закончился",
    Status.SUSPENDED: "Приостановлена",
    Status.ANNULLED: "Аннулирована",
    Status.SUPERSEDED: "Заменена",
}

KIND_WORDS = {
    Kind.PRIMARY: "Первичная",
    Kind.PRIMARY_SPECIALISED: "Первичная специализированная",
    Kind.PERIODIC: "Периодическая",
}
