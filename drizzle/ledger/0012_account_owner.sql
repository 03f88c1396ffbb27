-- An owner's account is found without reading those of everybody.
CREATE INDEX account_available ON account (owner) WHERE kind = 'available';
