"""Links of the OpenAPI document: which call can follow an answer. Schemathesis follows them."""

REGISTERED = {
    "login": {
        "operationId": "login",
        "requestBody": {
            "username": "$request.body#/username",
            "password": "$request.body#/password",
        },
    }
}

SIGNED_IN = {
    call: {
        "operationId": call,
        "requestBody": {"refresh_token": "$response.body#/refresh_token"},
    }
    for call in ("refresh", "logout")
}
