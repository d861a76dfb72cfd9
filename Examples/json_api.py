# SPDX-License-Identifier: Apache-2.0
# Connects an account, reads its token, reports a use and disconnects, over the JSON API alone.
# TOKENVAULT_API=http://127.0.0.1:8081 TOKENVAULT_KEY_FILE=api.key python3 json_api.py crm
import json, os, sys, time, urllib.request

def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(os.environ["TOKENVAULT_API"] + path, data, method=method)
    key = open(os.environ["TOKENVAULT_KEY_FILE"]).read().strip()
    request.add_header("Authorization", "Bearer " + key)
    request.add_header("Content-Type", "application/json")
    answer = urllib.request.urlopen(request).read()
    return json.loads(answer) if answer else None

anna = "/v1/connections/customer-7%2Fanna"
print("open", call("POST", anna + "/link", {"application": sys.argv[1]})["url"], flush=True)
while call("GET", anna)["next_step"] == "connect":  # until somebody has opened it and consented
    time.sleep(1)
token = call("GET", anna + "/token?min_ttl=60")  # to be used, not to be kept
print("a token until", token["expires_at"])
call("POST", anna + "/use", {"generation": token["generation"]})
print("it is", call("GET", anna)["light"])
print("revoked:", call("DELETE", anna)["refresh_token"]["revocation"])
