#!/bin/sh
# Makes the keys of one site: k8s/make-keys.sh FOLDER
#
# FOLDER/waiting, admission, user are key rings: `current` names the key that signs, <kid>.key holds a secret in
# base64, <kid>.pem a private Ed25519 key. FOLDER/admission-jwks.json and user-jwks.json hold the public halves.
# What is there already is kept. Needs openssl (LibreSSL from 3.7 on will do).
set -eu
umask 077
folder=${1:?usage: k8s/make-keys.sh FOLDER}

new_kid() {
    echo "$1-$(openssl rand -hex 4)"
}

make_secret() {
    if [ -e "$folder/$1/current" ]; then return; fi
    mkdir -p "$folder/$1"
    kid=$(new_kid "$1")
    openssl rand -base64 32 >"$folder/$1/$kid.key"
    echo "$kid" >"$folder/$1/current"
}

make_pair() {
    if [ ! -e "$folder/$1/current" ]; then
        mkdir -p "$folder/$1"
        kid=$(new_kid "$1")
        openssl genpkey -algorithm ed25519 -out "$folder/$1/$kid.pem"
        echo "$kid" >"$folder/$1/current"
    fi
    kid=$(cat "$folder/$1/current")
    publish "$folder/$1/$kid.pem" "$kid" >"$folder/$1-jwks.json"
}

# The last 32 bytes of the public key's DER are the point itself (RFC 8410), which JWKS want in base64url.
publish() {
    x=$(openssl pkey -in "$1" -pubout -outform DER | tail -c 32 | openssl base64 -A | tr '+/' '-_' | tr -d '=')
    echo '{"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "'"$2"'", "x": "'"$x"'"}]}'
}

make_secret waiting
make_pair admission
make_pair user
echo "keys are in $folder; keep it out of repositories and images"
