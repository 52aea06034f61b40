"""One request: redirects followed by hand and bounded, every failure of the network in words."""

from __future__ import annotations

import contextlib
import http.client
from typing import TYPE_CHECKING, Callable, Dict, Iterator, Mapping, Optional, Tuple, Type
from urllib.parse import urljoin, urlsplit

from dartenv.fetch.limits import Broken, Limits
from dartenv.fetch.login import Login
from dartenv.fetch.remote import FetchFault, shown_url

if TYPE_CHECKING:
    import requests

SessionFactory = Callable[[], "requests.Session"]
_GET_AFTER = (301, 302, 303)
_REDIRECTS = (*_GET_AFTER, 307, 308)
_BLOCK = 1 << 16


class Answer:
    """A response whose body has not been read."""

    def __init__(self, response: requests.Response, url: str) -> None:
        self._response = response
        self.url = url
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    @property
    def length(self) -> Optional[int]:
        """Bytes of the body that the server announced."""
        text = self.headers.get("Content-Length", "")
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        return int(text) if text.isdigit() and not chunked else None

    def read(self) -> bytes:
        """The next bytes as they come, without waiting for more; empty at the end.

        Raises Broken.
        """
        with _translated(self.url):
            # Not read(): that waits until the block is full, however slowly it fills.
            return bytes(self._response.raw.read1(_BLOCK))

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


def new_session() -> requests.Session:
    """A session that follows the system's proxy settings and certificates."""
    import requests

    from dartenv import __version__

    session = requests.Session()
    session.headers.update({"User-Agent": f"dartenv/{__version__}", "Accept": "*/*"})
    return session


def open_url(
    session: requests.Session,
    url: str,
    headers: Mapping[str, str],
    limits: Limits,
    login: Optional[Login] = None,
) -> Answer:
    """Ask for ``url``, by POST of ``login`` where one is given.

    The login goes to its own host alone: a redirect is followed without it, and one that would
    have to repeat it elsewhere is refused, as is one from https to http. Raises Broken and
    FetchFault.
    """
    body = login.form() if login is not None else None
    asked = url
    for _ in range(limits.redirects + 1):
        with _translated(url):
            response = session.request(
                "POST" if body is not None else "GET",
                url,
                headers=_headers(headers),
                data=body,
                stream=True,
                allow_redirects=False,
                timeout=(limits.connect, limits.read),
            )
        target = response.headers.get("Location")
        if response.status_code not in _REDIRECTS or not target:
            return Answer(response, url)
        response.close()
        following = urljoin(url, target)
        _refuse_redirect(url, following)
        if response.status_code in _GET_AFTER:
            body = None
        elif body is not None and _origin(url) != _origin(following):
            raise FetchFault(
                "redirect",
                f"{shown_url(url)} wants your login sent on to {shown_url(following)}",
                "an answer from the host that the login is for",
            )
        url = following
    raise FetchFault(
        "redirects",
        f"{shown_url(asked)}: more than {limits.redirects} redirects, the last to {shown_url(url)}",
        "a file at the end of them",
        "try later; a captive portal or a proxy may be in between",
    )


def _headers(headers: Mapping[str, str]) -> Dict[str, str]:
    # Bytes as they are on the server: a range of a compressed body would be of something else.
    return {"Accept-Encoding": "identity", **headers}


def _origin(url: str) -> Tuple[str, str, Optional[int]]:
    parts = urlsplit(url)
    return (parts.scheme, (parts.hostname or "").lower(), parts.port)


def _refuse_redirect(here: str, there: str) -> None:
    try:
        scheme = urlsplit(there).scheme
        host = urlsplit(there).hostname
    except ValueError:
        scheme, host = "", None
    if scheme not in ("http", "https") or not host:
        raise FetchFault("redirect", f"{shown_url(here)} leads to {there[:80]!a}", "a web address")
    if urlsplit(here).scheme == "https" and scheme == "http":
        raise FetchFault(
            "redirect",
            f"{shown_url(here)} leads from https to {shown_url(there)}",
            "https all the way",
        )


@contextlib.contextmanager
def _translated(url: str) -> Iterator[None]:
    """Errors of requests, urllib3 and the socket as ours, without what they may quote."""
    import requests
    import urllib3.exceptions as low

    host = urlsplit(url).netloc.rpartition("@")[2]
    try:
        yield
    except (requests.exceptions.SSLError, low.SSLError) as error:
        raise FetchFault(
            "tls",
            f"{host}: its certificate is not trusted here ({_tls_reason(error)})",
            "a certificate that this machine trusts",
            "where a proxy brings its own, set REQUESTS_CA_BUNDLE to its file; "
            "never turn the check off",
        ) from None
    except _wrong_use():
        raise FetchFault(
            "address", f"{shown_url(url)}: it is, or leads to, no address", "a web address"
        ) from None
    except requests.exceptions.ProxyError:
        raise Broken("proxy", f"{host}: the proxy did not let it through") from None
    except (requests.exceptions.ConnectTimeout, low.ConnectTimeoutError):
        raise Broken("timeout", f"{host}: no connection in time") from None
    except (requests.exceptions.Timeout, low.ReadTimeoutError, TimeoutError):
        raise Broken("timeout", f"{host}: nothing came in time") from None
    except (requests.exceptions.ContentDecodingError, low.DecodeError):
        raise Broken("dropped", f"{host}: the answer could not be decoded") from None
    except requests.exceptions.ConnectionError as error:
        raise Broken("connection", f"{host}: {_connection_reason(error)}") from None
    except (requests.exceptions.RequestException, low.HTTPError, http.client.HTTPException):
        raise Broken("dropped", f"{host}: the connection broke off") from None
    except OSError as error:
        if "CA certificate bundle" in str(error):
            raise FetchFault(
                "tls",
                f"{host}: the certificate file that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names "
                "is not there",
                "a file of certificates",
                "correct or unset the variable",
            ) from None
        words = error.strerror or type(error).__name__
        raise Broken("dropped", f"{host}: the connection broke off: {words}") from None


def _wrong_use() -> Tuple[Type[Exception], ...]:
    from requests import exceptions as e

    # ValueError: what requests' own look at a redirect lets through.
    return (e.InvalidURL, e.InvalidSchema, e.MissingSchema, e.InvalidHeader, ValueError)


def _tls_reason(error: Exception) -> str:
    text = str(error)
    for sign, words in (
        ("self-signed", "self-signed"),
        ("self signed", "self-signed"),
        ("expired", "expired; is the clock right?"),
        ("not yet valid", "not valid yet; is the clock right?"),
        ("ostname mismatch", "made for another host"),
        ("doesn't match", "made for another host"),
        ("unable to get local issuer", "its issuer is unknown"),
        ("WRONG_VERSION", "the other side speaks no TLS"),
    ):
        if sign in text:
            return words
    return "TLS handshake failed"


def _connection_reason(error: Exception) -> str:
    text = str(error)
    if "NameResolution" in text or "getaddrinfo" in text or "name resolution" in text:
        return "its name cannot be found; is there a network?"
    if "refused" in text:
        return "connection refused"
    return "no connection"
