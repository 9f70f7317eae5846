"""What an API server makes of a certificate that OpenSSL takes."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from nginx_webhooks.certificates.pem import decode_certificates
from nginx_webhooks.certificates.validation import unsupported_by_go
from tests.support.webhooks.certificates import make, with_negative_serial


@pytest.mark.parametrize("curve", [ec.SECP224R1(), ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_the_usual_curves_are_known(curve: ec.EllipticCurve) -> None:
    assert unsupported_by_go(make("x", key=ec.generate_private_key(curve)).certificate) == ""


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_negative_serial_number_is_foreign() -> None:
    (found,) = decode_certificates(with_negative_serial(make("x").pem))
    assert unsupported_by_go(found) == "has a negative serial number, which no API server takes"


#: openssl req -x509 -newkey rsa-pss; openssl req -x509 -newkey ec -pkeyopt ec_param_enc:explicit
FOREIGN = {
    "RSA for PSS alone": """-----BEGIN CERTIFICATE-----
MIIDrzCCAmKgAwIBAgIUBciGSQ1+l9vNjYBvFXiC+caoqJcwQgYJKoZIhvcNAQEK
MDWgDzANBglghkgBZQMEAgEFAKEcMBoGCSqGSIb3DQEBCDANBglghkgBZQMEAgEF
AKIEAgIA3jATMREwDwYDVQQDDAh3ZWJob29rczAeFw0yNjExMjUwODU3MjFaFw0y
NzAyMjMwODU3MjFaMBMxETAPBgNVBAMMCHdlYmhvb2tzMIIBIDALBgkqhkiG9w0B
AQoDggEPADCCAQoCggEBAMPPeYrD23dgmk47ZI3KpF+M7POPc8ykNTMq45dKMNVg
fQlMDPSfpPfMpSbj2S1yElk1ctF+GDQfD89wzV7Q1XTf0HmnsCuvB34vMNsVoPwV
eOk+VFCVzFJZXsM33b0Lfc3fW7HnJsb76s1Vni/3FTXCRLu9EGqxdmEjBS1W4nCm
XJpSQbNX2IoQkgYUFh6u/yeKC3rITxWtkAbDzt+scewrzt0sFdGRTgANplDV3TiM
mt6AD2KOnTVYF3Eb1lUL2WnYvFDZUJXka/CtZpvKgc3S4COifIh7gFHc6IPasuBF
wCqCBnx4mxlrt4zBt4QyorzJsVkzBHCCNpF/mHAlwjsCAwEAAaOBkjCBjzAdBgNV
HQ4EFgQU2HxUNmt6FXNZh4XPjEJ6cYbwdLswHwYDVR0jBBgwFoAU2HxUNmt6FXNZ
h4XPjEJ6cYbwdLswDwYDVR0TAQH/BAUwAwEB/zA8BgNVHREENTAzgjFuZ2lueC1v
cGVyYXRvci13ZWJob29rcy5uZ2lueC1vcGVyYXRvci1zeXN0ZW0uc3ZjMEIGCSqG
SIb3DQEBCjA1oA8wDQYJYIZIAWUDBAIBBQChHDAaBgkqhkiG9w0BAQgwDQYJYIZI
AWUDBAIBBQCiBAICAN4DggEBABK6DdV+0b5zB19ptb9Hf13hy9BLaM9iTJBlC4XO
QjkzyhXMJkG7LVSiV36ZE+MiusTPe0NVCe8wKiAxdbWD2DT5Rz+PnDPy/W6C8jxL
rovVTbbjZ7U6M2XrhIrnJ/1a31d9HPpXGj9Omf8edCFnocrNZeIDISg3KX9ECPcd
WxIcczvtPVsyF6LsMMKNV2LASbjbiibYMCq0L8123/hVp5XaxQn7oIx4YbfEq9Be
SxJu7QCVoptrL9pUY+828/bdUkcB9CqsHaj0vN/N6S6zFDte5lehCpySwU/ER1E5
bNsD8JGilEDqphLUt3HGcaggmSb+LMnt2CkoppLoJAG6Zm8=
-----END CERTIFICATE-----
""",
    "a curve by its parameters": """-----BEGIN CERTIFICATE-----
MIICrjCCAlWgAwIBAgIUe9laVCMpfS+V6txjGbpl2xfP9NQwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwId2ViaG9va3MwHhcNMjYxMTI1MDg1NzIxWhcNMjcwMjIzMDg1
NzIxWjATMREwDwYDVQQDDAh3ZWJob29rczCCAUswggEDBgcqhkjOPQIBMIH3AgEB
MCwGByqGSM49AQECIQD/////AAAAAQAAAAAAAAAAAAAAAP///////////////zBb
BCD/////AAAAAQAAAAAAAAAAAAAAAP///////////////AQgWsY12Ko6k+ez671V
dpiGvGUdBrDMU7D2O848PifSYEsDFQDEnTYIhucEk2pmeOETnSa3gZ9+kARBBGsX
0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivO
M1drMV7Oy7ZAaDe/UfUCIQD/////AAAAAP//////////vOb6racXnoTzucrC/GMl
UQIBAQNCAAR/dnvYMsCRf9scxxKZekmiaiTpM930tQT/N8TBLzjCPPNLyALlRO1C
GnwW0UMl68IZFL3AmnBfiW7upde3paJSo4GSMIGPMB0GA1UdDgQWBBRDubZuOQR0
CecXtfEmaQESuYTXfjAfBgNVHSMEGDAWgBRDubZuOQR0CecXtfEmaQESuYTXfjAP
BgNVHRMBAf8EBTADAQH/MDwGA1UdEQQ1MDOCMW5naW54LW9wZXJhdG9yLXdlYmhv
b2tzLm5naW54LW9wZXJhdG9yLXN5c3RlbS5zdmMwCgYIKoZIzj0EAwIDRwAwRAIg
Qe9rdV3f78Ok0pActaDFozZIKqBuz6q++IZJH/Zib54CIAOn0Jp22pHFTSlwSxlt
7HHVPZhmPzWUr/X8Np8iqWOa
-----END CERTIFICATE-----
""",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_key_that_is_written_another_way_is_foreign(kind: str) -> None:
    (found,) = decode_certificates(FOREIGN[kind].encode())
    assert unsupported_by_go(found).startswith("has a key that no API server takes; make one of RSA")
