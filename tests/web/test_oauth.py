"""`POST /oauth/token`: the grants of the contract, refusals in the words of RFC 6749."""

import base64
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote, urlencode

import httpx
import jsonschema
import pytest
import sqlalchemy as sa
import yaml

from hundi.parties import tables
from hundi.parties.credentials import ACCESS_SECONDS, token_hash
from hundi.parties.model import NewClient
from hundi.parties.operations import add_client
from hundi.simulator import story
from hundi.web.oauth import FORM_LIMIT
from tests.house.sources import ROOT
from tests.keys import KEYRING
from tests.web.orders import Desk, desk, named

CONTRACT = yaml.safe_load((ROOT / "contract" / "b2b-onboarding.yaml").read_text(encoding="utf-8"))
ISSUED = {**CONTRACT, "$ref": "#/components/schemas/AuthToken"}
REFUSED = {**CONTRACT, "$ref": "#/components/schemas/TokenError"}
FORM = "application/x-www-form-urlencoded"
READ = "/network/v1/documents"


@dataclass
class Portal:
    """A desk with two registered clients, and what one of them would send."""

    desk: Desk
    client: NewClient
    other: NewClient
    handed_out: set[str] = field(default_factory=set)

    @property
    def right(self) -> dict[str, str]:
        """The password form as the contract prints it."""
        return {
            "grant_type": "password",
            "clientId": self.client.client_id,
            "username": self.client.username,
            "password": self.client.password,
        }

    def proof(self, client: NewClient | None = None) -> str:
        client = client or self.client
        return basic(client.client_id, client.client_secret)

    async def call(
        self,
        form: dict[str, str] | str,
        *,
        proof: str | None = None,
        kind: str = FORM,
    ) -> httpx.Response:
        """The token call; by default with the right Basic header, with `proof=""` without one."""
        proof = self.proof() if proof is None else proof
        headers = {"content-type": kind} | ({"authorization": proof} if proof else {})
        raw = form if isinstance(form, str) else urlencode(form)
        answer = await self.desk.calls.post("/oauth/token", content=raw, headers=headers)
        if answer.status_code == 200:
            self.handed_out |= {v for n, v in answer.json().items() if n.endswith("_token")}
        return answer

    async def issued(self, form: dict[str, str], **how: str) -> dict:
        answer = await self.call(form, **how)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def reads(self, token: str) -> httpx.Response:
        """A call of ours with a token."""
        return await self.desk.calls.get(READ, headers={"authorization": f"Bearer {token}"})

    async def expire(self, token: str) -> None:
        c = tables.access_token.c
        past = sa.update(tables.access_token).where(c.token_hash == token_hash(token))
        await self.desk.stage.execute(past.values(expires_at=1))


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


@pytest.fixture
async def portal(database_url: str) -> AsyncIterator[Portal]:
    async with desk(database_url) as made:
        random = Random(5).randbytes
        database = made.stage.database
        one = await add_client(database, name="Loom", endpoint=None, random=random, keyring=KEYRING)
        two = await add_client(
            database, name="Mills", endpoint=None, random=random, keyring=KEYRING
        )
        yield Portal(made, one, two)


def refused(answer: httpx.Response, status: int, error: str) -> str:
    """Checks everything that RFC 6749 says of a refusal; the sentence for people."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    jsonschema.validate(answer.json(), REFUSED)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    challenge = answer.headers.get("www-authenticate")
    assert challenge == ('Basic realm="hundi"' if status == 401 else None)
    sentence: str = answer.json()["error_description"]
    assert sentence.endswith(".")
    assert set(sentence) <= set(map(chr, range(0x20, 0x7F))) - set('"\\'), "RFC 6749, section 5.2"
    return sentence


GRANTS = {"password": True, "client_credentials": False}


@pytest.mark.parametrize("grant", GRANTS)
async def test_a_grant_gives_a_token_that_works(portal: Portal, grant: str) -> None:
    answer = await portal.call({**portal.right, "grant_type": grant})
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), ISSUED)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    told = answer.json()
    assert told["access_token"] == told["accessToken"]
    assert told["token_type"] == told["tokenType"] == "bearer"
    assert told["expires_in"] == told["expiresIn"] == ACCESS_SECONDS
    assert ("refresh_token" in told, "refreshToken" in told) == (GRANTS[grant],) * 2
    assert (await portal.reads(told["accessToken"])).status_code == 200


async def test_the_password_is_the_grant_where_none_is_named(portal: Portal) -> None:
    form = portal.right
    del form["grant_type"]
    assert "refreshToken" in await portal.issued(form)


async def test_the_media_type_may_carry_a_charset(portal: Portal) -> None:
    await portal.issued(portal.right, kind=f"{FORM.upper()}; charset=UTF-8")


async def test_a_refresh_token_is_good_once(portal: Portal) -> None:
    first = await portal.issued(portal.right)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = await portal.issued(form)
    tokens = [told[name] for told in (first, second) for name in ("accessToken", "refreshToken")]
    assert len(set(tokens)) == 4
    assert second["refresh_token"] == second["refreshToken"]
    assert (await portal.reads(second["accessToken"])).status_code == 200
    refused(await portal.call(form), 400, "invalid_grant")


async def test_a_refresh_token_serves_its_own_client_only(portal: Portal) -> None:
    told = await portal.issued(portal.right)
    form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    refused(await portal.call(form, proof=portal.proof(portal.other)), 400, "invalid_grant")
    await portal.issued(form)


@pytest.mark.parametrize("which", ["unknown", "expired", "access"])
async def test_a_refresh_token_that_is_none(portal: Portal, which: str) -> None:
    told = await portal.issued(portal.right)
    await portal.expire(told["refreshToken"])
    token = {
        "unknown": "x" * 43,
        "expired": told["refreshToken"],
        "access": told["accessToken"],
    }[which]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    refused(await portal.call(form), 400, "invalid_grant")


@pytest.mark.parametrize("grant", ["password", "client_credentials", "refresh_token"])
async def test_a_wrong_secret_and_an_unknown_client_look_alike(portal: Portal, grant: str) -> None:
    told = await portal.issued(portal.right)
    form = {**portal.right, "grant_type": grant, "refresh_token": told["refresh_token"]}
    wrong = await portal.call(form, proof=basic(portal.client.client_id, "wrong"))
    foreign = basic(portal.client.client_id, portal.other.client_secret)
    crossed = await portal.call(form, proof=foreign)
    form["clientId"] = "CEKNOBODY0"
    unknown = await portal.call(form, proof=basic("CEKNOBODY0", portal.client.client_secret))
    sentences = {refused(each, 401, "invalid_client") for each in (wrong, crossed, unknown)}
    assert len(sentences) == 1
    kept = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    await portal.issued(kept)


@pytest.mark.parametrize("wrong", ["username", "password"])
async def test_a_wrong_user_is_not_told_which_half_was_wrong(portal: Portal, wrong: str) -> None:
    answer = await portal.call({**portal.right, wrong: getattr(portal.other, wrong)})
    assert "user name or the password" in refused(answer, 400, "invalid_grant")


@pytest.mark.parametrize(
    "proof",
    [
        "",
        "Bearer abc",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b":no name").decode(),
        "Basic " + base64.b64encode(b"no secret:").decode(),
        "Basic " + base64.b64encode(b"\xff:\xfe").decode(),
        "Basic " + base64.b64encode(b"x" * 2_000 + b":y").decode(),
    ],
)
async def test_without_a_readable_basic_header_there_is_no_client(
    portal: Portal, proof: str
) -> None:
    refused(await portal.call(portal.right, proof=proof), 401, "invalid_client")


@pytest.mark.parametrize("name", ["CEKÅBC1234", "\N{GRINNING FACE}" * 20, "CEK'BC1234", "%00"])
async def test_a_strange_client_id_is_an_unknown_one(portal: Portal, name: str) -> None:
    form = {"grant_type": "client_credentials"}
    refused(await portal.call(form, proof=basic(name, "secret")), 401, "invalid_client")


async def test_a_client_id_with_nul_is_an_unknown_one(postgres_url: str) -> None:
    headers = {"authorization": basic("CEK\0", "x")}
    async with desk(postgres_url) as made:
        form = {"grant_type": "client_credentials"}
        answer = await made.calls.post("/oauth/token", data=form, headers=headers)
    refused(answer, 401, "invalid_client")


@pytest.mark.parametrize("scheme", ["basic", "BASIC"])
async def test_the_scheme_is_read_in_any_case(portal: Portal, scheme: str) -> None:
    await portal.issued(portal.right, proof=portal.proof().replace("Basic", scheme))


async def test_credentials_may_be_percent_encoded(portal: Portal) -> None:
    known = portal.client
    escaped = [
        "".join(f"%{b:02X}" for b in known.client_id.encode()),
        "".join(f"%{b:02x}" for b in known.client_secret.encode()),
    ]
    await portal.issued(portal.right, proof=basic(*escaped))
    await portal.issued(portal.right, proof=basic(known.client_id, quote(known.client_secret)))


@pytest.mark.parametrize("form", ["grant_type=device_code", "grant_type=Password&clientId="])
async def test_an_unknown_grant(portal: Portal, form: str) -> None:
    refused(await portal.call(form), 400, "unsupported_grant_type")


@pytest.mark.parametrize("missing", ["clientId", "username", "password"])
@pytest.mark.parametrize("empty", [False, True])
async def test_a_missing_or_empty_member_is_named(
    portal: Portal, missing: str, empty: bool
) -> None:
    form = portal.right
    del form[missing]
    answer = await portal.call(form | ({missing: ""} if empty else {}))
    assert missing in refused(answer, 400, "invalid_request")


async def test_a_missing_refresh_token_is_named(portal: Portal) -> None:
    answer = await portal.call({"grant_type": "refresh_token"})
    assert "refresh_token" in refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("name", ["grant_type", "clientId", "username", "password"])
async def test_a_member_that_comes_twice(portal: Portal, name: str) -> None:
    raw = urlencode([*portal.right.items(), (name, portal.right[name])])
    assert "repeated" in refused(await portal.call(raw), 400, "invalid_request")


async def test_a_form_for_another_client_than_the_header(portal: Portal) -> None:
    form = {**portal.right, "clientId": portal.other.client_id}
    assert "clientId" in refused(await portal.call(form), 400, "invalid_request")


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "", "x"])
async def test_another_media_type(portal: Portal, kind: str) -> None:
    answer = await portal.call(portal.right, kind=kind)
    assert FORM in refused(answer, 400, "invalid_request")


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "grant_type",
        "grant_type=password&&",
        "grant_type=%FF",
        "grant_type=%ED%A0%80",
        "grant_type=refresh_token&refresh_token=a%00b",
        "&".join(f"a{n}=1" for n in range(21)),
        "grant_type=grüße",
    ],
    ids=[
        "empty",
        "no value",
        "no name",
        "not UTF-8",
        "surrogate",
        "NUL",
        "many members",
        "not ASCII",
    ],
)
async def test_a_form_that_cannot_be_read(portal: Portal, raw: str) -> None:
    refused(await portal.call(raw), 400, "invalid_request")


async def test_a_member_over_the_limit(portal: Portal) -> None:
    form = {**portal.right, "scope": "x" * 513}
    assert "too long" in refused(await portal.call(form), 400, "invalid_request")
    await portal.issued({**portal.right, "scope": "x" * 512})


async def test_a_body_over_the_limit(portal: Portal) -> None:
    raw = urlencode(portal.right) + "&x=" + "x" * FORM_LIMIT
    assert str(FORM_LIMIT) in refused(await portal.call(raw), 413, "invalid_request")


async def test_only_post(portal: Portal) -> None:
    answer = await portal.desk.calls.get("/oauth/token")
    assert "POST" in refused(answer, 405, "invalid_request")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("which", ["expired", "unknown", "refresh", "secret", "cut", "strange"])
async def test_a_call_with_a_token_that_is_none(portal: Portal, which: str) -> None:
    told = await portal.issued(portal.right)
    spare = await portal.issued(portal.right)
    await portal.expire(spare["accessToken"])
    token = {
        "expired": spare["accessToken"],
        "unknown": "x" * 43,
        "refresh": told["refreshToken"],
        "secret": portal.client.client_secret,
        "cut": told["accessToken"][:-1],
        "strange": "\x7f~",
    }[which]
    own = await portal.reads(token)
    assert own.json()["code"] == "AUTH-TOKEN"
    headers = {"authorization": f"Bearer {token}"}
    sent = await portal.desk.send("req-send", b"{}", headers=headers)
    assert sent.json()["payload"]["resp"]["errorCd"] == "AUTH-TOKEN"
    for answer in (own, sent):
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert (await portal.reads(told["accessToken"])).status_code == 200


async def test_a_token_speaks_for_its_own_client_only(portal: Portal) -> None:
    told = await portal.issued({"grant_type": "client_credentials"})
    headers = {"authorization": f"Bearer {told['accessToken']}"}
    answer = await portal.desk.send("req-send", named(story.order()), headers=headers)
    assert answer.status_code == 403
    assert answer.json()["payload"]["resp"]["errorCd"] == "PARTY-NOT-YOURS"


async def test_nothing_secret_is_logged_answered_or_stored(
    portal: Portal, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told = await portal.issued(portal.right)
    await portal.issued({"grant_type": "refresh_token", "refresh_token": told["refreshToken"]})
    await portal.reads(told["accessToken"])
    answers = [
        await portal.call(portal.right, proof=basic("CEKNOBODY0", portal.client.client_secret)),
        await portal.call({**portal.right, "username": "x"}),
        await portal.call(portal.right | {"grant_type": "x"}),
        await portal.call(urlencode(portal.right) + "&password=x"),
        await portal.call(portal.right, kind="application/json"),
        await portal.reads(portal.client.client_secret),
    ]
    assert {each.status_code for each in answers} == {400, 401}
    records = [str(vars(record)) + record.getMessage() for record in caplog.records]
    stored = [
        str(await portal.desk.stage.rows(sa.select(table)))
        for table in (tables.client, tables.access_token)
    ]
    seen = "".join([*records, *capsys.readouterr(), *(each.text for each in answers), *stored])
    client = portal.client
    secrets = portal.handed_out | {client.client_secret, client.password, portal.proof()[6:]}
    assert len(secrets) == 7
    assert not [secret for secret in secrets if secret in seen]
