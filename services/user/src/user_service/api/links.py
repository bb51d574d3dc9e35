"""What an answer makes possible next, as OpenAPI tells it: Schemathesis follows it."""

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
