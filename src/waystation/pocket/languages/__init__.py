"""The languages of the pocket world, one module each: tables of inflected forms and word orders."""
