"""A control plane in one process and in memory, over the real embedded object store.

It speaks the REST contract just far enough for transfers: it signs with botocore and completes
multipart uploads in the store, so the bytes, checksums and URLs of these tests are real ones.
"""

# ruff: noqa: ANN001, ANN002, ANN003, ANN201, ANN202, ANN204, ANN205, D101, D102, N818, PLR0911
# ruff: noqa: PLR0912, C901
# The stand-in is one page on purpose; its shapes are checked by the SDK that decodes them.
# mypy: ignore-errors

import json
import re
import threading
from base64 import b64decode, b64encode
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import boto3
from botocore.config import Config

from bitvault.client.hashing import parts_for

NOW = "2026-01-01T00:00:00Z"
USER = str(uuid4())


def checksum(content_hash):
    """Turn ``sha256:<hex>`` into S3's form."""
    return b64encode(bytes.fromhex(content_hash.rpartition(":")[2])).decode()


class Refuse(Exception):
    def __init__(self, status, code):
        self.status, self.code = status, code


class ControlPlane:
    """Nodes by path, uploads by id; ``calls`` counts requests by route."""

    def __init__(self, endpoint, access, secret, bucket):
        self.bucket, self.nodes, self.uploads, self.calls = bucket, {}, {}, []
        self.versions = {}
        self.break_commit, self.refuse_commit = 0, False
        self.signed, self.hold_after = [], None
        self.held, self.release = threading.Event(), threading.Event()
        self.expired_parts = set()
        self.keys = {"aws_access_key_id": access, "aws_secret_access_key": secret}
        self.s3, self.signer = self.client_of(endpoint), None
        self.connect(endpoint)
        self.folder("/")
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self):
                size = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(size)) if size else {}
                status, value = owner.handle(self.command, self.path, body)
                raw = json.dumps(value).encode() if value is not None else b""
                self.send_response(status)
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                with suppress(BrokenPipeError):  # a killed caller reads no answer
                    self.wfile.write(raw)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

            def log_message(self, *args):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def connect(self, endpoint):
        """Sign for the store at this address from now on; it is looked at where it is."""
        if self.signer is not None:
            self.signer.close()
        self.signer = self.client_of(endpoint)

    def client_of(self, endpoint):
        config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
        return boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", config=config, **self.keys
        )

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.s3.close()
        self.signer.close()

    def handle(self, method, target, body):
        url = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        path = unquote(url.path)
        self.calls.append(f"{method} {re.sub('[0-9a-f-]{36}', '*', path)}")
        try:
            return 200, self.route(method, path, query, body)
        except Refuse as no:
            return no.status, {"status": no.status, "code": no.code, "detail": no.code}

    def route(self, method, path, query, body):
        ident = next(iter(re.findall("[0-9a-f-]{36}", path)), "")
        match method, re.sub("/[0-9a-f-]{36}", "/*", path):
            case "GET", "/v1/files":
                return self.find(query["path"])
            case "POST", "/v1/files":
                return self.begin(body)
            case "POST", "/v1/files/batch":
                return self.many(self.begin, body["items"])
            case "POST", "/v1/files/*/commit":
                return self.commit({"uploadId": ident, **body})
            case "POST", "/v1/files/commits":
                return self.many(self.commit, body["items"])
            case "POST", "/v1/files/aborts":
                return self.many(self.abort, body["items"])
            case "GET", "/v1/files/uploads/*":
                return self.describe(ident)
            case "DELETE", "/v1/files/uploads/*":
                self.abort({"uploadId": ident})
                return None
            case "GET", "/v1/files/uploads":
                open_ones = [one for one in self.uploads.values() if one["state"] == "open"]
                items = [self.describe(one["id"]) for one in open_ones]
                return {"items": items, "nextCursor": None}
            case "POST", "/v1/files/uploads/*/parts":
                self.signed += [each["partNumber"] for each in body["parts"]]
                self.hold()
                return {"transfers": [self.sign_part(ident, each) for each in body["parts"]]}
            case "POST", "/v1/files/uploads/*/url":
                return {"transfers": [self.sign_put(self.uploads[ident])]}
            case "GET", "/v1/files/*/content":
                return self.content(ident, query.get("version"))
            case "GET", "/v1/files/*/versions":
                path = next(node["path"] for node in self.nodes.values() if node["id"] == ident)
                listed = [self.version(node) for node in self.versions[path]]
                return {"items": listed, "nextCursor": None}
            case "DELETE", "/v1/files/*":
                path = next(node["path"] for node in self.nodes.values() if node["id"] == ident)
                return {"node": self.nodes.pop(path), "entryId": str(uuid4())}
            case "POST", "/v1/folders":
                return self.make(body["path"])
            case "POST", "/v1/files/content":
                return self.many(lambda each: self.content(each["id"]), body["items"])
            case "POST", "/v1/batch":
                return self.many(lambda each: self.make(each["path"]), body["operations"])
            case "GET", "/v1/folders/*/children":
                inside = [node for node in self.nodes.values() if node["parentId"] == ident]
                return {"items": sorted(inside, key=lambda node: node["name"]), "nextCursor": None}
        raise Refuse(404, "no_route")

    def abort(self, item):
        upload = self.uploads[item["uploadId"]]
        if upload["state"] == "committed":
            raise Refuse(409, "upload_closed")
        upload["state"] = "aborted"
        return {"uploadId": upload["id"], "state": "aborted"}

    def open_uploads(self):
        """Return the paths that hold room."""
        held = [one for one in self.uploads.values() if one["state"] == "open"]
        return [one["draft"]["path"] for one in held]

    def hold(self):
        """Keep a caller waiting once more than ``hold_after`` parts were signed, to be killed."""
        if self.hold_after is not None and len(self.signed) > self.hold_after:
            self.held.set()
            self.release.wait(30)

    def many(self, function, items):
        answers = []
        for item in items:
            try:
                answers.append({"status": 200, "result": function(item)})
            except Refuse as no:
                problem = {"status": no.status, "code": no.code, "detail": no.code}
                problem["requestId"] = "r1"
                answers.append({"status": no.status, "problem": problem})
        return {"items": answers}

    def find(self, path):
        if path not in self.nodes:
            raise Refuse(404, "node_not_found")
        return self.nodes[path]

    def folder(self, path):
        return self.nodes.get(path) or self.add(path, "folder", {})

    def make(self, path):
        event = {} if path in self.nodes else {"eventId": "1"}
        return {"node": self.folder(path), **event}

    def add(self, path, kind, members):
        parent, _, name = path.rpartition("/")
        parent_id = self.folder(parent or "/")["id"] if name else None
        node = {
            "id": self.nodes.get(path, {}).get("id") or str(uuid4()),
            "kind": kind,
            "spaceId": USER,
            "parentId": parent_id,
            "name": name,
            "path": path,
            "size": None,
            "hash": None,
            "version": None,
            "etag": '"1"',
            "contentType": None,
            "contentModifiedAt": None,
            "createdAt": NOW,
            "modifiedAt": NOW,
            "modifiedBy": USER,
            **members,
        }
        self.nodes[path] = node
        self.versions.setdefault(path, []).insert(0, node)
        return node

    def begin(self, draft):
        there = self.nodes.get(draft["path"])
        if there and "baseVersion" in draft:
            if draft["baseVersion"] != there["version"]:
                raise Refuse(409, "stale_base")
        elif there and draft["ifExists"] == "fail":
            raise Refuse(409, "name_taken")
        ident, parts = str(uuid4()), parts_for(draft["size"])
        upload = {"draft": draft, "key": ident, "id": ident, "state": "open", "parts": parts}
        self.uploads[ident] = upload
        plan = {"kind": "single", "partSize": draft["size"], "partCount": 1}
        transfers = []
        if parts:
            plan = {"kind": "multipart", "partSize": parts.size, "partCount": parts.count}
            created = self.s3.create_multipart_upload(
                Bucket=self.bucket, Key=ident, ChecksumAlgorithm="SHA256", ChecksumType="COMPOSITE"
            )
            upload["store_id"] = created["UploadId"]
        else:
            transfers = [self.sign_put(upload)]
        upload["plan"] = plan
        return {"uploadId": ident, "plan": plan, "transfers": transfers, "expiresAt": NOW}

    def sign(self, operation, params, **members):
        url = self.signer.generate_presigned_url(operation, {"Bucket": self.bucket, **params}, 900)
        return {"url": url, "headers": {}, "expiresAt": NOW, **members}

    def sign_put(self, upload):
        proof = checksum(upload["draft"]["hash"])
        params = {"Key": upload["key"], "ChecksumSHA256": proof, "IfNoneMatch": "*"}
        headers = self.proved(proof) | {"if-none-match": "*"}
        return self.sign("put_object", params, method="PUT") | {"headers": headers}

    def sign_part(self, ident, part):
        upload, proof = self.uploads[ident], checksum(part["hash"])
        params = {
            "Key": upload["key"],
            "UploadId": upload["store_id"],
            "ChecksumSHA256": proof,
            "PartNumber": part["partNumber"],
        }
        step = self.sign("upload_part", params, method="PUT", partNumber=part["partNumber"])
        if part["partNumber"] in self.expired_parts:
            self.expired_parts.discard(part["partNumber"])
            step["url"] = step["url"].replace("X-Amz-Signature=", "X-Amz-Signature=0")
        return step | {"headers": self.proved(proof)}

    @staticmethod
    def proved(proof):
        return {"x-amz-checksum-sha256": proof}

    def describe(self, ident):
        upload = self.uploads.get(ident)
        if upload is None:
            raise Refuse(404, "upload_not_found")
        listed = []
        if upload["parts"] and upload["state"] == "open":
            listed = self.s3.list_parts(
                Bucket=self.bucket, Key=upload["key"], UploadId=upload["store_id"]
            ).get("Parts", [])
        parts = [
            {
                "partNumber": one["PartNumber"],
                "size": one["Size"],
                "etag": one["ETag"],
                "hash": self.hex_of(one["ChecksumSHA256"]),
            }
            for one in listed
        ]
        draft = upload["draft"]
        return {
            "uploadId": ident,
            "state": upload["state"],
            "spaceId": USER,
            "path": draft["path"],
            "size": draft["size"],
            "hash": None,
            "plan": upload["plan"],
            "createdAt": NOW,
            "expiresAt": NOW,
            "parts": parts,
        }

    @staticmethod
    def hex_of(proof):
        return f"sha256:{b64decode(proof).hex()}"

    def commit(self, claim):
        if self.break_commit:
            self.break_commit -= 1
            raise Refuse(503, "unavailable")
        if self.refuse_commit and claim.get("ifExists") != "replace":
            raise Refuse(409, "name_taken")
        upload = self.uploads[claim["uploadId"]]
        draft = upload["draft"]
        if upload["parts"] and upload["state"] == "open":
            kept = ("PartNumber", "ETag", "ChecksumSHA256")
            listed = self.s3.list_parts(
                Bucket=self.bucket, Key=upload["key"], UploadId=upload["store_id"]
            ).get("Parts", [])
            parts = [{key: one[key] for key in kept} for one in listed]
            if len(parts) < upload["parts"].count:
                raise Refuse(409, "bytes_missing")
            self.s3.complete_multipart_upload(
                Bucket=self.bucket,
                Key=upload["key"],
                UploadId=upload["store_id"],
                MultipartUpload={"Parts": parts},
            )
        try:
            head = self.s3.head_object(Bucket=self.bucket, Key=upload["key"])
        except self.s3.exceptions.ClientError:
            raise Refuse(409, "bytes_missing") from None
        if head["ContentLength"] != draft["size"]:
            raise Refuse(422, "bytes_mismatch")
        upload["state"] = "committed"
        members = {
            "size": draft["size"],
            "hash": claim["hash"],
            "version": (self.nodes.get(draft["path"], {}).get("version") or 0) + 1,
            "contentModifiedAt": draft.get("contentModifiedAt"),
            "key": upload["key"],
        }
        return {"node": self.add(draft["path"], "file", members), "version": 1}

    @staticmethod
    def version(node):
        shown = ("version", "size", "hash", "contentModifiedAt", "createdAt")
        more = {"contentType": "text/plain", "createdBy": USER, "isCurrent": False}
        return {key: node[key] for key in shown} | more

    def content(self, ident, version=None):
        node = next(node for node in self.nodes.values() if node["id"] == ident)
        if version is not None:
            there = self.versions[node["path"]]
            node = next(one for one in there if one["version"] == int(version))
        step = self.sign("get_object", {"Key": node["key"]}, method="GET")
        return {
            **step,
            "id": ident,
            "version": node["version"] or 1,
            "size": node["size"],
            "hash": node["hash"],
        }
