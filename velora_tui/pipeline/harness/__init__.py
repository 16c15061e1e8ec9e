"""The `harness` recipe: the users' script as one job on the instance, its log cut into phases by its banners."""
