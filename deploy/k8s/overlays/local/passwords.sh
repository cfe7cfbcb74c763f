#!/bin/sh
# Makes the passwords of the local PostgreSQL, one for each service, in secrets/ beside this file.
# Needs openssl. A second run keeps what there is: the database remembers its passwords.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
if [ -f secrets/postgres.env ]; then
  echo "There are passwords in secrets/ already. They are kept."
  exit 0
fi
echo "POSTGRES_PASSWORD=$(openssl rand -hex 24)" > secrets/postgres.new
for service in inventory routing returns notify; do
  password=$(openssl rand -hex 24)
  name=$(echo "$service" | tr '[:lower:]' '[:upper:]')
  echo "${name}_PASSWORD=$password" >> secrets/postgres.new
  echo "url=postgresql+asyncpg://$service:$password@postgres/$service" > "secrets/$service-database.env"
done
mv secrets/postgres.new secrets/postgres.env
echo "The passwords of the local PostgreSQL are in secrets/."
