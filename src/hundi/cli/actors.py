"""Who acts in the demo: a business with its client of the network and its simulated ERP."""

import base64
import json
import urllib.parse
from typing import Any

from hundi.cli.stage import Http, Process, Stage, StageError, call, free_port


class Actor:
    """One business: a client with credentials, a B2B ID, and an ERP that takes its webhooks."""

    def __init__(self, stage: Stage, business: Any, *, b2b_id: str, network: str) -> None:
        self.name: str = business.name
        self.short = business.name.split()[0]
        self.b2b_id = b2b_id
        self._network = network
        self.port = free_port()
        self.erp_url = f"http://127.0.0.1:{self.port}"
        self._token = ""
        added = stage.command("client", "add", "--name", business.name, "--endpoint", self.erp_url)
        self._credentials = added
        file = stage.folder / f"{self.short}.json"
        file.write_text(json.dumps(added))
        stage.command(
            "party", "add", "--client", added["clientId"], "--name", business.name,
            "--pan", business.pan, "--gstin", business.gstin, "--b2b-id", b2b_id,
        )  # fmt: skip
        self.erp: Process = stage.process(
            self.short, "simulate", "--port", str(self.port), "--credentials", str(file),
            "--state", str(stage.folder / f"{self.short}.state"),
        )  # fmt: skip

    def come_up(self) -> None:
        """Start the ERP."""
        self.erp.start(f"{self.erp_url}/healthz")

    def send(self, path: str, body: bytes) -> Http:
        """Send a message with this business's token."""
        return call("POST", self._network + path, body=body, headers=self._headers())

    def read(self, path: str) -> Any:
        """Read from the network. Raises StageError on anything but 200."""
        answer = call("GET", f"{self._network}/network/v1{path}", headers=self._headers())
        if answer.status != 200:
            raise StageError(f"GET {path} answered {answer.status}: {answer.body}")
        return answer.body

    def received(self) -> list[dict[str, Any]]:
        """Webhooks that the ERP took, in order."""
        found: list[dict[str, Any]] = call("GET", f"{self.erp_url}/simulator/received").body
        return found

    def held(self, object_id: str) -> tuple[int, str] | None:
        """Version and status of an order as the ERP believes them."""
        for document in call("GET", f"{self.erp_url}/simulator/documents").body:
            if document["objectId"] == object_id:
                return document["version"], document["status"]
        return None

    def answer_by(self, rules: list[dict[str, Any]]) -> None:
        """Change how the ERP answers."""
        body = json.dumps(rules).encode()
        answer = call("PUT", f"{self.erp_url}/simulator/rules", body=body)
        if answer.status != 200:
            raise StageError(f"The ERP refused its rules: {answer.body}")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._fetched()}", "Content-Type": "application/json"}

    def _fetched(self) -> str:
        if self._token:
            return self._token
        known = self._credentials
        pair = f"{known['clientId']}:{known['clientSecret']}".encode()
        form = {
            "grant_type": "password",
            "clientId": known["clientId"],
            "username": known["username"],
            "password": known["password"],
        }
        answer = call(
            "POST",
            f"{self._network}/oauth/token",
            body=urllib.parse.urlencode(form).encode(),
            headers={"Authorization": "Basic " + base64.b64encode(pair).decode()},
        )
        if answer.status != 200:
            raise StageError(f"No token: {answer.body}")
        self._token = answer.body["accessToken"]
        return self._token
