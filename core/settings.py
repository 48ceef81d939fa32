"""Settings: typed, frozen, read once from the environment and handed down."""

from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every name is an environment variable of the same name in capitals, e.g. DATABASE_URL."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    data_dir: Path = Field(default=Path("var"), validation_alias="ACCREDITATION_DATA")
    """Where everything that must be kept lives: database, keys, files."""
    database_url: str | None = None
    """postgresql://… (version 15 or newer); None means the embedded server."""
    redis_url: str | None = None
    blobs_url: str | None = None
    """s3://bucket/prefix for encrypted files that all nodes share; None means a folder under data_dir."""
    proctoring_models: Path | None = None
    """A folder that holds the two face model files."""
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    """Where people reach the service; empty means http://host:port."""
    trusted_proxies: str = ""
    """Addresses and networks, separated by commas, whose X-Forwarded-For and X-Forwarded-Proto count."""
    zone: str = "Europe/Moscow"
    """The zone that dates are counted and shown in where a person has none of their own."""
    login_hours: int = 12
    retake_days: int = 30
    attempts: int = 3
    frame_workers: int = 2
    """Threads that look at webcam frames."""
    forms_ahead: int = 24
    """Hours before a window opens at which the forms of those who are booked for it are drawn."""
    secret_key: SecretStr | None = None
    """32 bytes in base64, instead of the file under data_dir/keys."""
    master_key: SecretStr | None = None
    """The same for encrypted files; several, the newest first, are separated by commas."""

    @cached_property
    def address(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"

    @cached_property
    def keys_dir(self) -> Path:
        return self.data_dir / "keys"

    @cached_property
    def blobs_dir(self) -> Path:
        return self.data_dir / "blobs"
