"""Who is one person after all?"""
