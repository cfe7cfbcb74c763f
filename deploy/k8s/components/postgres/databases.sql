-- Run once by psql, when the volume is empty: a role and a database for each service. Nobody can
-- connect to a database that is another's: what a service owns, only it reads.
\set ON_ERROR_STOP on
\getenv inventory_password INVENTORY_PASSWORD
\getenv routing_password ROUTING_PASSWORD
\getenv returns_password RETURNS_PASSWORD
\getenv notify_password NOTIFY_PASSWORD

create role inventory login password :'inventory_password';
create role routing login password :'routing_password';
create role returns login password :'returns_password';
create role notify login password :'notify_password';

create database inventory owner inventory;
create database routing owner routing;
create database returns owner returns;
create database notify owner notify;

revoke all on database inventory, routing, returns, notify, postgres, template1 from public;
